import type { KubeConfig } from '@kubernetes/client-node';
import type { Override } from '../core/override.ts';
import type { Policy } from '../core/policy.ts';
import type { Subject } from '../core/sink.ts';
import { KubeClient } from '../kube/client.ts';
import { type KubeObject, type Stored, toOverride, toPolicy, toStored } from '../kube/object.ts';
import { Reflector, type ReflectorOptions, type ReflectorStats, type ReflectorTimers } from '../kube/reflector.ts';
import { type KubeResource, OVERRIDES, POLICIES } from '../kube/resource.ts';
import type { Source, SourceState } from './source.ts';

export interface KubernetesSourceOptions extends ReflectorTimers {
  readonly kubeConfig: KubeConfig;
  /** Absent or empty: all namespaces, which needs a ClusterRole. */
  readonly namespaces?: readonly string[];
  readonly log: ReflectorOptions['log'];
}

export interface KubernetesSource extends Source {
  stored(subject: Subject): Stored | undefined;
  /** Counters since the start, over all namespaces. */
  stats(): ReflectorStats;
}

/**
 * Policies and overrides from the API server. Needs the verbs list and watch on `circuitbreakerpolicies`; without those on
 * `circuitbreakeroverrides`, or without its definition, there are no overrides and all else is well.
 */
export function kubernetesSource(options: KubernetesSourceOptions): KubernetesSource {
  const { kubeConfig, namespaces, log, ...timers } = options;
  const client = new KubeClient(kubeConfig);
  const translated = new WeakMap<KubeObject, Policy>();
  const translatedOverrides = new WeakMap<KubeObject, Override>();
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

  const policyOf = (object: KubeObject): Policy => {
    const known = translated.get(object) ?? toPolicy(object);
    translated.set(object, known);
    return known;
  };
  const overrideOf = (object: KubeObject): Override => {
    const known = translatedOverrides.get(object) ?? toOverride(object);
    translatedOverrides.set(object, known);
    return known;
  };
  const compute = (): SourceState => {
    const overridesAsOf = lowest(overrides.map((reflector) => reflector.asOf));
    const outages = [...new Set(reflectors.flatMap(({ outage }) => outage ?? []))];
    const asOf = lowest(reflectors.map((reflector) => reflector.asOf));
    return {
      // Agents would end the overrides that they obey if they were told of none before these are known.
      synced:
        reflectors.every(({ synced }) => synced) && overrides.every(({ synced, unavailable }) => synced || unavailable),
      ...(outages.length === 0 ? {} : { outage: outages.join('; ') }),
      ...(asOf === undefined ? {} : { asOf }),
      ...(overridesAsOf === undefined ? {} : { overridesAsOf }),
      ...(reflectors.length === 1
        ? {}
        : { asOfIn: versionsOf(watched, reflectors), overridesAsOfIn: versionsOf(watched, overrides) }),
      policies: new Map(
        reflectors.flatMap(({ objects }) => [...objects].map(([key, object]) => [key, policyOf(object)] as const)),
      ),
      overrides: new Map(
        overrides.flatMap(({ objects }) => [...objects].map(([key, object]) => [key, overrideOf(object)] as const)),
      ),
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
    stats() {
      const all = reflectors.map((reflector) => reflector.stats());
      const names = Object.keys(all[0]!) as (keyof ReflectorStats)[];
      return Object.fromEntries(
        names.map((name) => [name, all.reduce((sum, stats) => sum + stats[name], 0)]),
      ) as unknown as ReflectorStats;
    },
  };
}

function versionsOf(
  namespaces: readonly (string | undefined)[],
  reflectors: readonly Reflector[],
): Map<string, string> {
  const versions = new Map<string, string>();
  for (const [i, { asOf }] of reflectors.entries()) if (asOf !== undefined) versions.set(namespaces[i]!, asOf);
  return versions;
}

/** What all of the copies contain; nothing while one of them has not been filled. */
function lowest(versions: readonly (string | undefined)[]): string | undefined {
  const known = versions.filter((version) => version !== undefined);
  if (known.length < versions.length) return undefined;
  return known.reduce((low, version) => (BigInt(version) < BigInt(low) ? version : low));
}
