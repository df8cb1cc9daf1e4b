import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PolicySpec } from '@fuseboard/schema/types';
import type { PolicySet } from '../../breakers/policy-set.ts';
import type { Settings } from '../settings/settings.ts';
import type { StoredSet } from './stored-set.ts';

/** The fields of a CircuitBreakerPolicy that decide which breakers it governs. */
export interface PolicyResource {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
  };
  readonly spec: PolicySpec;
}

export type BootstrapRead = { readonly set?: StoredSet; readonly problem?: string };

/** Reads a bootstrap file synchronously: a JSON list of policies, a List, or a single policy. Never throws. */
export function readBootstrap(path: string, agent: Pick<Settings, 'namespace' | 'labels'>): BootstrapRead {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return { problem: `the bootstrap policies in ${path} cannot be read: ${(error as Error).message}` };
  }
  const list = Array.isArray(content) ? content : ((content as { items?: unknown } | null)?.items ?? [content]);
  const bad = Array.isArray(list) ? list.findIndex((item) => !isResource(item)) : 0;
  if (bad !== -1) {
    return {
      problem: `the bootstrap policies in ${path} cannot be used: item ${bad} is no policy with metadata.name and spec.breakers; write what "kubectl get cbp -o json" prints`,
    };
  }
  const resources = (list as PolicyResource[]).filter(
    ({ metadata, spec }) =>
      (metadata.namespace === undefined || agent.namespace === undefined || metadata.namespace === agent.namespace) &&
      isSelected(spec.selector, agent.labels),
  );
  return {
    set: {
      revision: 'bootstrap',
      asOf: {},
      routes: routesOf(resources),
      rejections: [],
      policies: resources.map((resource) => ({
        uid: uidOf(resource),
        generation: resource.metadata.generation ?? 0,
        name: resource.metadata.name,
        spec: resource.spec,
      })),
    },
  };
}

/** The uid of a policy, or one derived from namespace and name when its source has none. */
function uidOf({ metadata }: PolicyResource): string {
  const identity = `${metadata.namespace ?? ''}/${metadata.name}`;
  return metadata.uid ?? createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

/**
 * The routes of policies in order of precedence: a policy with a selector before one without, an exact name before a
 * prefix, a longer prefix before a shorter one, then the older policy, then the name of the policy.
 */
export function routesOf(resources: readonly PolicyResource[]): PolicySet['routes'] {
  const claims = resources.flatMap((resource) =>
    resource.spec.breakers.map((pattern) => ({
      pattern,
      uid: uidOf(resource),
      name: resource.metadata.name,
      created: Date.parse(resource.metadata.creationTimestamp ?? '') || 0,
      selects: isEmpty(resource.spec.selector) ? 0 : 1,
      reach: pattern.endsWith('*') ? pattern.length - 1 : Number.POSITIVE_INFINITY,
    })),
  );
  claims.sort(
    (a, b) =>
      b.selects - a.selects ||
      (a.reach === b.reach ? 0 : b.reach - a.reach) ||
      a.created - b.created ||
      (a.name < b.name ? -1 : 1),
  );
  const seen = new Set<string>();
  return claims
    .filter(({ pattern }) => !seen.has(pattern) && seen.add(pattern))
    .map(({ pattern, uid }) => [pattern, uid] as const);
}

type Selector = PolicySpec['selector'];

const isEmpty = (selector: Selector) =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;

function isSelected(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  return (
    Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => has(key) && labels[key] === value) &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return has(key);
      if (operator === 'DoesNotExist') return !has(key);
      return (has(key) && values.includes(labels[key]!)) === (operator === 'In');
    })
  );
}

function isResource(value: unknown): value is PolicyResource {
  const { metadata, spec } = (value ?? {}) as Partial<PolicyResource>;
  return (
    typeof metadata?.name === 'string' &&
    [metadata.namespace, metadata.uid, metadata.creationTimestamp].every(isStringOrAbsent) &&
    (metadata.generation === undefined || typeof metadata.generation === 'number') &&
    Array.isArray(spec?.breakers) &&
    spec.breakers.every((name) => typeof name === 'string') &&
    isSelector(spec.selector)
  );
}

const isStringOrAbsent = (value: unknown) => value === undefined || typeof value === 'string';

function isSelector(value: unknown): value is Selector {
  const { matchLabels, matchExpressions } = (value ?? {}) as NonNullable<Selector>;
  return (
    (matchLabels === undefined || (typeof matchLabels === 'object' && matchLabels !== null)) &&
    (matchExpressions === undefined ||
      (Array.isArray(matchExpressions) &&
        matchExpressions.every((item) => typeof item?.key === 'string' && Array.isArray(item.values ?? []))))
  );
}
