import { describe, expect, it } from '@jest/globals';
import { injection, MAX_ANNOTATIONS_BYTES, type PatchOperation, type PodToInject } from './injection.ts';

const PLACE = { url: 'https://fuseboard.fuseboard-system.svc:8443', authority: 'PEM\n', audience: 'fuseboard' };
const ASKED = { annotations: { 'fuseboard.dev/inject': 'true' } };
const LINK = { name: 'fuseboard-dev-link', mountPath: '/var/run/secrets/fuseboard.dev', readOnly: true };
const CACHE = { name: 'fuseboard-dev-cache', mountPath: '/var/cache/fuseboard.dev' };

/** Applies a patch like the API server. */
function patched<T>(pod: T, operations: readonly PatchOperation[]): T {
  const copy = structuredClone(pod) as Record<string, unknown>;
  for (const { path, value } of operations) {
    const steps = path
      .slice(1)
      .split('/')
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop()!;
    const target = steps.reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, copy);
    if (Array.isArray(target)) target.push(structuredClone(value));
    else target[last] = structuredClone(value);
  }
  return copy as T;
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever a pod became
const inject = (given: PodToInject): any => {
  const pod = { ...given, spec: { serviceAccountName: 'shop', ...given.spec } };
  const { serviceAccountName: _account, ...spec } = patched(pod, injection(pod, PLACE)).spec;
  return { ...patched(pod, injection(pod, PLACE)), spec };
};
/** The patch for a pod with a ServiceAccount. */
const left = (pod: PodToInject, place = PLACE) =>
  injection({ ...pod, spec: { serviceAccountName: 'shop', ...pod.spec } }, place);

describe('injecting a pod', () => {
  it('mounts token, authority, URL and cache into every container, and names the service', () => {
    const pod = {
      metadata: { ...ASKED, labels: { app: 'checkout', 'app.kubernetes.io/name': 'shop-checkout' } },
      spec: {
        initContainers: [{ name: 'migrate' }, { name: 'proxy', restartPolicy: 'Always', volumeMounts: [] }],
        containers: [
          { name: 'web', env: [{ name: 'PORT', value: '1' }], volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] },
        ],
        volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    };
    const env = { name: 'FUSEBOARD_SERVICE', value: 'shop-checkout' };
    const path = (annotation: string) => ({ fieldPath: `metadata.annotations['${annotation}']` });
    expect(inject(pod)).toEqual({
      metadata: {
        labels: { ...pod.metadata.labels, 'fuseboard.dev/injected': 'true' },
        annotations: {
          'fuseboard.dev/inject': 'true',
          'fuseboard.dev/url': PLACE.url,
          'fuseboard.dev/ca': 'PEM\n',
          'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'fuseboard-dev-cache',
        },
      },
      spec: {
        initContainers: [
          { name: 'migrate', volumeMounts: [LINK, CACHE], env: [env] },
          { name: 'proxy', restartPolicy: 'Always', volumeMounts: [LINK, CACHE], env: [env] },
        ],
        containers: [
          {
            name: 'web',
            env: [{ name: 'PORT', value: '1' }, env],
            volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }, LINK, CACHE],
          },
        ],
        volumes: [
          { name: 'tmp', emptyDir: {} },
          {
            name: 'fuseboard-dev-link',
            projected: {
              sources: [
                { serviceAccountToken: { audience: 'fuseboard', expirationSeconds: 3600, path: 'token' } },
                {
                  downwardAPI: {
                    items: [
                      { path: 'url', fieldRef: path('fuseboard.dev/url') },
                      { path: 'ca.crt', fieldRef: path('fuseboard.dev/ca') },
                    ],
                  },
                },
              ],
            },
          },
          { name: 'fuseboard-dev-cache', emptyDir: {} },
        ],
      },
    });
  });

  it('gives a container that another webhook added afterwards what the others have, and them nothing twice', () => {
    const once = inject({ metadata: ASKED, spec: { containers: [{}] } });
    expect(left(once)).toEqual([]);
    const more = { ...once, spec: { ...once.spec, containers: [...once.spec.containers, { name: 'late' }] } };
    const twice = inject(more);
    expect(twice.spec.containers).toEqual([...once.spec.containers, { name: 'late', volumeMounts: [LINK, CACHE] }]);
    expect(twice.spec.volumes).toEqual(once.spec.volumes);
    expect(left(twice, { ...PLACE, url: 'https://elsewhere', authority: 'another' })).toEqual([]);
  });

  it.each<[string, PodToInject['metadata']]>([
    ['did not ask', {}],
    ['says no', { annotations: { 'fuseboard.dev/inject': 'false' } }],
    ['asks in another word', { annotations: { 'fuseboard.dev/inject': 'enabled' } }],
    ['a kubelet runs by itself', { annotations: { ...ASKED.annotations, 'kubernetes.io/config.mirror': 'x' } }],
  ])('leaves a pod alone that %s', (_what, metadata) => {
    expect(left({ metadata, spec: { containers: [{}] } })).toEqual([]);
    expect(left({ spec: { containers: [{}] } })).toEqual([]);
  });

  it('adds nothing to annotations that would then be more than the API server admits', () => {
    const spec = { serviceAccountName: 'default', containers: [{}] };
    const filled = (bytes: number) => ({ annotations: { ...ASKED.annotations, note: 'x'.repeat(bytes) } });
    expect(() => injection({ metadata: filled(MAX_ANNOTATIONS_BYTES - 100), spec }, PLACE)).toThrow(
      'its annotations would take more than the 262144 bytes that the API server admits',
    );
    expect(injection({ metadata: filled(MAX_ANNOTATIONS_BYTES - 1_000), spec }, PLACE).length).toBeGreaterThan(0);
  });

  it('leaves a pod alone that has no account, because no token could be made for it', () => {
    expect(injection({ metadata: ASKED, spec: { containers: [{}] } }, PLACE)).toEqual([]);
    expect(injection({ metadata: ASKED, spec: { serviceAccountName: '', containers: [{}] } }, PLACE)).toEqual([]);
  });

  const own: [string, PodToInject['spec']['containers'][number]][] = [
    ['mounts the folder itself', { volumeMounts: [{ mountPath: '/var/run/secrets/fuseboard.dev' }] }],
    ['mounts it with a slash at the end', { volumeMounts: [{ mountPath: '/var/run/secrets/fuseboard.dev/' }] }],
    ['mounts one file of it', { volumeMounts: [{ mountPath: '/var/run/secrets/fuseboard.dev/token' }] }],
  ];
  it.each(own)('leaves the mounts of a container alone that %s', (_what, container) => {
    const { spec, metadata } = inject({ metadata: ASKED, spec: { containers: [container] } });
    expect(spec.containers).toEqual([{ ...container, volumeMounts: [...container.volumeMounts!, CACHE] }]);
    expect(spec.volumes).toEqual([{ name: 'fuseboard-dev-cache', emptyDir: {} }]);
    expect(metadata.annotations).not.toHaveProperty(['fuseboard.dev/ca']);
  });

  it('makes no cache for containers that keep policies elsewhere', () => {
    const containers = [
      { env: [{ name: 'FUSEBOARD_CACHE_DIR' }] },
      { volumeMounts: [{ mountPath: '/var/cache/fuseboard.dev' }] },
    ];
    const { spec, metadata } = inject({ metadata: ASKED, spec: { containers } });
    expect(spec.volumes).toHaveLength(1);
    expect(spec.containers.map(({ volumeMounts }: { volumeMounts: unknown[] }) => volumeMounts.at(-1))).toEqual([
      LINK,
      LINK,
    ]);
    expect(Object.keys(metadata.annotations)).toEqual([
      'fuseboard.dev/inject',
      'fuseboard.dev/url',
      'fuseboard.dev/ca',
    ]);
  });

  it.each<[string, object]>([
    ['FUSEBOARD_SERVICE', { env: [{ name: 'FUSEBOARD_SERVICE' }] }],
    ['OTEL_SERVICE_NAME', { env: [{ name: 'OTEL_SERVICE_NAME' }] }],
    ['a list from elsewhere', { envFrom: [{ configMapRef: { name: 'c' } }] }],
  ])('does not name the service where %s may', (_what, container) => {
    const { spec } = inject({ metadata: { ...ASKED, labels: { app: 'checkout' } }, spec: { containers: [container] } });
    expect(spec.containers).toEqual([{ ...container, volumeMounts: [LINK, CACHE] }]);
  });

  it('names no service where the labels name none', () => {
    const { spec } = inject({ metadata: { ...ASKED, labels: { app: '' } }, spec: { containers: [{}] } });
    expect(spec.containers).toEqual([{ volumeMounts: [LINK, CACHE] }]);
  });

  it('does not give the authority of this operator to a pod that names another one', () => {
    const annotations = { ...ASKED.annotations, 'fuseboard.dev/url': 'https://mine' };
    const { spec, metadata } = inject({ metadata: { annotations }, spec: { containers: [{}] } });
    expect(metadata.annotations['fuseboard.dev/url']).toBe('https://mine');
    expect(metadata.labels).toBeUndefined();
    expect(metadata.annotations).not.toHaveProperty(['fuseboard.dev/ca']);
    const [, downward] = spec.volumes[0].projected.sources;
    expect(downward.downwardAPI.items.map(({ path }: { path: string }) => path)).toEqual(['url']);
  });

  it('marks a pod that trusts what the operator says, so that it is found when that changes', () => {
    expect(inject({ metadata: ASKED, spec: { containers: [] } }).metadata.labels).toBeUndefined();
    const { metadata } = inject({ metadata: ASKED, spec: { containers: [{}] } });
    expect(metadata.labels).toEqual({ 'fuseboard.dev/injected': 'true' });
  });

  it('keeps what a pod says of its eviction, and of the authority that it trusts', () => {
    const evictable = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';
    const annotations = { ...ASKED.annotations, [evictable]: 'scratch', 'fuseboard.dev/ca': 'MINE' };
    const { metadata } = inject({ metadata: { annotations }, spec: { containers: [{}] } });
    expect(metadata.annotations).toEqual({ ...annotations, 'fuseboard.dev/url': PLACE.url });
  });
});
