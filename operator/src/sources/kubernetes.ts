import type { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../kube/api/client.ts';
import { type KubeObject, type StoredObject, toOverride, toPolicy, toStored } from '../kube/api/object.ts';
import { Reflector, type ReflectorOptions, type ReflectorTimers } from '../kube/api/reflector.ts';
import { type KubeResource, OVERRIDES, POLICIES } from '../kube/api/resource.ts';
import type { Source, SourceState } from '../ports/source.ts';
import type { Subject } from '../ports/status-sink.ts';

export interface KubernetesSourceOptions extends ReflectorTimers {
  readonly kubeConfig: KubeConfig;
  /** Namespaces to watch; absent or empty: all namespaces, which needs a ClusterRole. */
  readonly namespaces?: readonly string[];
  readonly log: ReflectorOptions['log'];
}

export interface KubernetesSource extends Source {
  stored(subject: Subject): StoredObject | undefined;
}

/**
 * Reads policies and overrides from the API server. Needs the verbs list and watch on `circuitbreakerpolicies`. Without
 * these verbs on `circuitbreakeroverrides`, or without its CRD, there are no overrides, but policies still work.
 */
export function kubernetesSource(options: KubernetesSourceOptions): KubernetesSource {
  const { kubeConfig, namespaces, log, ...timers } = options;
  const client = new KubeClient(kubeConfig);
  const policiesOf = translating(toPolicy);
  const overridesOf = translating(toOverride);
  let changed = () => {};
  let state: SourceState | undefined;
  const watched = namespaces?.length ? [...new Set(namespaces)] : [undefined];
  const renewed = () => {
    state = undefined;
    changed();
  };
  const reflect = (resource: KubeResource) =>
    watched.map((namespace) => new Reflector({ client, resource, namespace, timers, log, changed: renewed }));
  const reflectors = reflect(POLICIES);
  const overrides = reflect(OVERRIDES);

  const compute = (): SourceState => {
    const overridesVersion = lowest(overrides.map((reflector) => reflector.resourceVersion));
    const reasons = [...new Set(reflectors.flatMap(({ unreadable }) => unreadable ?? []))];
    const resourceVersion = lowest(reflectors.map((reflector) => reflector.resourceVersion));
    return {
      // Before overrides are known, an empty set must not be sent, because agents would end the overrides in force.
      synced:
        reflectors.every(({ synced }) => synced) && overrides.every(({ synced, unavailable }) => synced || unavailable),
      ...(reasons.length === 0 ? {} : { unreadable: reasons.join('; ') }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(overridesVersion === undefined ? {} : { overridesVersion }),
      ...(reflectors.length === 1
        ? {}
        : { resourceVersionIn: versionsOf(watched, reflectors), overridesVersionIn: versionsOf(watched, overrides) }),
      policies: policiesOf(reflectors),
      overrides: overridesOf(overrides),
      problems: [],
    };
  };

  return {
    kind: 'kubernetes',
    start(listener) {
      changed = listener;
      for (const reflector of [...reflectors, ...overrides]) reflector.start();
    },
    state() {
      state ??= compute();
      return state;
    },
    async refresh() {
      const known = overrides.filter(({ synced }) => synced);
      await Promise.all([...reflectors, ...known].map((reflector) => reflector.refresh()));
    },
    async stop() {
      await Promise.all([...reflectors, ...overrides].map((reflector) => reflector.stop()));
    },
    stored(subject) {
      const key = `${subject.namespace}/${subject.name}`;
      const object = ('kind' in subject ? overrides : reflectors)
        .map(({ objects }) => objects.get(key))
        .find((found) => found !== undefined);
      return object && toStored(object);
    },
  };
}

/**
 * Translates objects by `namespace/name`. Results are cached for each object, because usually one of many objects
 * changes.
 */
function translating<T extends object>(translate: (object: KubeObject) => T) {
  const known = new WeakMap<KubeObject, T>();
  return (reflectors: readonly Reflector[]): Map<string, T> => {
    const all = new Map<string, T>();
    for (const { objects } of reflectors) {
      for (const [key, object] of objects) {
        let found = known.get(object);
        if (found === undefined) {
          found = translate(object);
          known.set(object, found);
        }
        all.set(key, found);
      }
    }
    return all;
  };
}

function versionsOf(
  namespaces: readonly (string | undefined)[],
  reflectors: readonly Reflector[],
): Map<string, string> {
  const versions = new Map<string, string>();
  for (const [i, { resourceVersion }] of reflectors.entries())
    if (resourceVersion !== undefined) versions.set(namespaces[i]!, resourceVersion);
  return versions;
}

/** The oldest version of all copies; undefined while one of them has no data. */
function lowest(versions: readonly (string | undefined)[]): string | undefined {
  const known = versions.filter((version) => version !== undefined);
  if (known.length < versions.length) return undefined;
  return known.reduce((low, version) => (BigInt(version) < BigInt(low) ? version : low));
}
