const PEER = { podSelector: { matchLabels: { app: 'web' } } };

/** A container that the level restricted admits, as a template. */
const restricted = (name: string) => ({
  name,
  image: 'registry.example/{{ .Release.Name }}',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
});

/** Values that together set everything that the chart knows. */
export const VALUE_SETS: Readonly<Record<string, object>> = {
  'nothing but the image': {},
  'a certificate of cert-manager': { tls: { mode: 'CertManager', issuerRef: { kind: 'ClusterIssuer', name: 'ca' } } },
  'a certificate from elsewhere': {
    tls: { mode: 'Secret', secretName: 'own-tls' },
    webhook: { caBundle: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
  },
  'a webhook of its own kind': {
    webhook: { port: 10_250, timeoutSeconds: 10, objectSelector: { matchLabels: { breakers: 'yes' } } },
    networkPolicy: { webhookFrom: [PEER] },
    watchNamespaces: ['shop'],
  },
  'as many replicas as agents need': {
    autoscaling: { enabled: true, minReplicas: 3, maxReplicas: 30, streamsPerReplica: 10_000 },
  },
  'two namespaces only': { watchNamespaces: ['shop', 'bank'] },
  'definitions that are kept elsewhere': { crds: { enabled: false }, rbac: { aggregate: false } },
  monitors: {
    metrics: {
      port: 9090,
      serviceMonitor: {
        enabled: true,
        labels: { release: 'prometheus' },
        relabelings: [{ targetLabel: 'cluster', replacement: 'one' }],
        metricRelabelings: [{ sourceLabels: ['pod'], action: 'labeldrop' }],
      },
      podMonitor: {
        enabled: true,
        interval: '15s',
        relabelings: [{ targetLabel: 'cluster', replacement: 'one' }],
        metricRelabelings: [{ sourceLabels: ['pod'], action: 'labeldrop' }],
      },
    },
  },
  'rules and a dashboard': {
    metrics: {
      rules: {
        enabled: true,
        labels: { release: 'prometheus' },
        alertLabels: { team: 'platform' },
        disabled: ['FuseboardOperatorDown'],
        change: { FuseboardBreakerOpenTooLong: { for: '1h', labels: { severity: 'critical' } } },
        runbookUrl: 'https://docs.example/alerts.md',
      },
      dashboard: { enabled: true, namespace: 'monitoring', annotations: { grafana_folder: 'Platform' } },
    },
  },
  'everything optional off': {
    crds: { keep: false },
    rbac: { create: false, aggregate: false },
    serviceAccount: { create: false, name: 'given' },
    topologySpread: { enabled: false },
    podDisruptionBudget: { enabled: false },
    networkPolicy: { enabled: false },
    webhook: { enabled: false },
  },
  'the admin API for the cluster': {
    admin: { expose: true, port: 9444 },
    networkPolicy: { adminFrom: [PEER] },
  },
  'the admin API for those on the pod': { admin: { auth: 'None' } },
  'a place to run': {
    priorityClassName: 'system-cluster-critical',
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'infra', operator: 'Exists' }],
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, preference: { matchExpressions: [{ key: 'infra', operator: 'Exists' }] } },
        ],
      },
    },
    podAnnotations: { a: 'b' },
    podLabels: { team: 'platform', 'app.kubernetes.io/version': 'canary' },
    replicaCount: 3,
    shutdownDelaySeconds: 0,
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['10.0.0.10'] },
    probes: { startup: { failureThreshold: 60 }, liveness: { periodSeconds: 20 }, readiness: { timeoutSeconds: 2 } },
    podDisruptionBudget: { maxUnavailable: '50%' },
    resources: { requests: { cpu: '1' } },
  },
  'names, images and network': {
    nameOverride: 'fb',
    fullnameOverride: 'breakers',
    image: { digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'pull' }],
    serviceAccount: { annotations: { a: 'b' } },
    commonLabels: { team: 'platform', 'app.kubernetes.io/name': 'other' },
    deploymentAnnotations: { a: 'b' },
    service: {
      type: 'NodePort',
      port: 443,
      annotations: { a: 'b' },
      externalTrafficPolicy: 'Local',
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
    },
    networkPolicy: { agentsFrom: [PEER], metricsFrom: [PEER] },
    tls: { dnsNames: ['fuseboard.example'], days: 30, keepAuthority: false, authority: 'AddNext' },
  },
  'arguments and objects of the user': {
    agents: {
      allowTokensWithoutPod: true,
      maxConnections: 1_000_000,
      maxStreamsPerSecond: 1,
      maxStreamsPerPod: 2,
      maxReportsPerPod: 3,
    },
    log: { level: 'debug' },
    enabled: true,
    global: { imageRegistry: 'registry.example' },
    extraVolumes: [{ name: 'heap', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'heap', mountPath: '/heap' }],
    initContainers: [restricted('wait')],
    extraContainers: [restricted('beside')],
    extraArgs: ['--max-connections=5'],
    extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=400' }],
    extraObjects: [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'one', namespace: '{{ .Release.Namespace }}' },
        data: { release: '{{ .Release.Name }}' },
      },
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: two, namespace: {{ .Release.Namespace }} }\ndata: { url: {{ include "fuseboard.url" . }} }\n',
    ],
  },
};

/** Values that cannot be meant, and what installing says of them. */
export const REFUSED: readonly (readonly [values: object, sentence: string])[] = [
  [
    { image: { repository: '' } },
    'image.repository is not set: no image of Fuseboard is published yet; build and push one',
  ],
  [{ tls: { mode: 'Secret' } }, 'tls.mode is Secret: set tls.secretName to a secret with tls.crt, tls.key and ca.crt'],
  [{ tls: { secretName: 'own' } }, 'tls.secretName is for tls.mode Secret, and the mode is SelfSigned'],
  [{ tls: { mode: 'CertManager' } }, 'tls.mode is CertManager: set tls.issuerRef.kind and tls.issuerRef.name'],
  [{ tls: { issuerRef: { name: 'ca' } } }, 'tls.issuerRef is for tls.mode CertManager, and the mode is SelfSigned'],
  [
    { metrics: { rules: { enabled: true, disabled: ['BreakerOpen'] } } },
    'metrics.rules names the alert BreakerOpen, which there is not; there are FuseboardBreakerOpenTooLong',
  ],
  [{ metrics: { rules: { change: { FuseboardOperatorDown: { for: 'long' } } } } }, 'for'],
  [{ admin: { auth: 'None', expose: true } }, 'admin.expose would let every pod use the admin API'],
  [
    { admin: { expose: true }, service: { type: 'LoadBalancer' } },
    'admin.expose would show the admin API outside the cluster while service.type is LoadBalancer',
  ],
  [
    { tls: { mode: 'Secret', secretName: 'none' } },
    'set webhook.caBundle (--set-file webhook.caBundle=ca.crt), make the secret with ca.crt first, or set webhook.enabled=false',
  ],
  [
    { tls: { mode: 'Secret', secretName: 'none' }, webhook: { caBundle: 'MIIB' } },
    'webhook.caBundle is no certificate in PEM; pass the file of the authority',
  ],
  [{ webhook: { caBundle: 'x' } }, 'webhook.caBundle is for tls.mode Secret, and the mode is SelfSigned'],
  [{ metrics: { port: 8443 } }, "metrics.port 8443 is also the agents' port; set another port"],
  [{ admin: { port: 8443 } }, "admin.port 8443 is also the agents' port; set another port"],
  [{ webhook: { port: 8443 } }, "webhook.port 8443 is also the agents' port; set another port"],
  [{ admin: { port: 8080 } }, 'admin.port 8080 is also metrics.port; set another port'],
  [{ webhook: { port: 8080 } }, 'webhook.port 8080 is also metrics.port; set another port'],
  [{ webhook: { port: 8081 } }, 'webhook.port 8081 is also admin.port; set another port'],
  [{ admin: { expose: true }, service: { port: 8081 } }, 'admin.port 8081 is also service.port, and admin.expose'],
  [
    { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 3 } },
    'autoscaling.minReplicas 5 is above autoscaling.maxReplicas 3; raise the second',
  ],
  [
    { autoscaling: { enabled: true, streamsPerReplica: 20_000 } },
    'autoscaling.streamsPerReplica 20000 is never reached: a replica takes agents.maxConnections 20000 at most; set it lower',
  ],
  [
    { serviceAccount: { create: false } },
    'serviceAccount.create is false: set serviceAccount.name to the account that the operator runs as',
  ],
  [{ webhook: { timeout: 3 } }, 'timeout'],
  [{ replicas: 2 }, 'replicas'],
  [{ tls: { mode: 'Mutual' } }, 'mode'],
  [{ agents: { maxStreams: 1 } }, 'maxStreams'],
  [{ service: { port: 'https' } }, 'port'],
];
