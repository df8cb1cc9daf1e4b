import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';

const AT_ONCE = 16;

/** Makes pods that no node runs, with a token each as the kubelet would project it. */
export async function podTokens(config: KubeConfig, namespace: string, count: number): Promise<string[]> {
  const core = config.makeApiClient(CoreV1Api);
  const serviceAccountName = 'load';
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: serviceAccountName } } });
  const tokens: string[] = [];
  const make = async (name: string) => {
    const body = {
      metadata: { name, labels: { app: 'load' } },
      spec: { serviceAccountName, containers: [{ name: 'c', image: 'registry.example/service' }] },
    };
    const { metadata } = await core.createNamespacedPod({ namespace, body });
    const bound = { apiVersion: 'v1', kind: 'Pod', name, uid: metadata!.uid! };
    const token = await core.createNamespacedServiceAccountToken({
      namespace,
      name: serviceAccountName,
      body: { spec: { audiences: ['fuseboard'], boundObjectRef: bound, expirationSeconds: 3_600 } },
    });
    tokens.push(token.status!.token!);
  };
  let next = 0;
  const worker = async () => {
    while (next < count) await make(`load-${next++}`);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return tokens;
}
