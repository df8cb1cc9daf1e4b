import type { Labels, Selector } from '@fuseboard/schema/precedence';

export { isPrefix, type Labels, narrows, type Selector, selects } from '@fuseboard/schema/precedence';

/** Whether a pattern (a name, a prefix ending in `*`, or `*`) matches a breaker name. */
export function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The requirements of a selector in canonical spelling, sorted and without duplicates. */
export function requirementsOf(selector: Selector | undefined): string[] {
  const fromLabels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => spell(key, 'In', [value]));
  const fromExpressions = (selector?.matchExpressions ?? []).map(({ key, operator, values }) =>
    spell(key, operator, values ?? []),
  );
  return [...new Set([...fromLabels, ...fromExpressions])].sort();
}

/** The keys of the labels that a selector uses. */
export function keysOf(selector: Selector | undefined): string[] {
  return [
    ...Object.keys(selector?.matchLabels ?? {}),
    ...(selector?.matchExpressions ?? []).map((requirement) => requirement.key),
  ];
}

/** A canonical string for a set of labels, independent of their order. */
export function canonicalLabels(labels: Labels, keys: Iterable<string> = Object.keys(labels)): string {
  const present = [...keys].filter((key) => Object.hasOwn(labels, key)).sort();
  return JSON.stringify(present.map((key) => [key, labels[key]]));
}

/**
 * Parses labels written as `k=v,k2=v2`; spaces around each pair are allowed.
 *
 * @throws {RangeError} when a pair has no `=`, or a key is empty or duplicate.
 */
export function parseLabels(text: string): Labels {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  const labels = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new RangeError(`labels: "${pair}" is not of the form key=value`);
    const key = pair.slice(0, at);
    if (labels.has(key)) throw new RangeError(`labels: "${key}" is given twice`);
    labels.set(key, pair.slice(at + 1));
  }
  return Object.fromEntries(labels);
}

const spell = (key: string, operator: string, values: readonly string[]) =>
  `${key} ${operator} ${JSON.stringify([...new Set(values)].sort())}`;
