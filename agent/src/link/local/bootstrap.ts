import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compareRoutes, narrows, type Selector, selects } from '@fuseboard/schema/precedence';
import type { PolicySpec } from '@fuseboard/schema/types';
import type { PolicySet } from '../../breakers/policy-set.ts';
import type { Settings } from '../settings/settings.ts';
import { isAbsentOr, isFields, isListOf, type StoredSet } from './stored-set.ts';

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
      selects(spec.selector, agent.labels),
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

/** The routes of policies in order of precedence. */
export function routesOf(resources: readonly PolicyResource[]): PolicySet['routes'] {
  const candidates = resources.flatMap((resource) => {
    const { metadata, spec } = resource;
    const createdAt = Date.parse(metadata.creationTimestamp ?? '') || 0;
    const policy = { uid: uidOf(resource), name: metadata.name, createdAt, narrow: narrows(spec.selector) };
    return spec.breakers.map((pattern) => ({ pattern, policy }));
  });
  const seen = new Set<string>();
  return candidates
    .sort(compareRoutes)
    .filter(({ pattern }) => !seen.has(pattern) && seen.add(pattern))
    .map(({ pattern, policy }) => [pattern, policy.uid] as const);
}

const isString = (value: unknown) => typeof value === 'string';

function isResource(value: unknown): value is PolicyResource {
  const { metadata, spec } = (value ?? {}) as Partial<PolicyResource>;
  return (
    isString(metadata?.name) &&
    [metadata!.namespace, metadata!.uid, metadata!.creationTimestamp].every((text) => isAbsentOr(text, isString)) &&
    isAbsentOr(metadata!.generation, (generation) => typeof generation === 'number') &&
    isListOf(spec?.breakers, isString) &&
    isSelector(spec!.selector ?? {})
  );
}

const isSelector = ({ matchLabels, matchExpressions }: Selector) =>
  isAbsentOr(matchLabels, (labels) => typeof labels === 'object' && labels !== null) &&
  isAbsentOr(matchExpressions, (list) =>
    isListOf(list, (item) => isFields(item) && isString(item.key) && Array.isArray(item.values ?? [])),
  );
