import { compareRoutes } from '@fuseboard/schema/precedence';
import { type Route, type Routing, takes } from './routing.ts';
import { isPrefix, type Labels, matches, type Selector, selects } from './selector.ts';

/** One policy considered for one breaker of one agent. */
export interface Candidate {
  readonly policy: string;
  readonly uid: string;
  /** The best matching pattern of the policy; absent when none matches. */
  readonly pattern?: string;
  readonly governs: boolean;
  /** Why the policy governs the breaker, or why not. */
  readonly reason: string;
}

/** Which policy governs a breaker on an agent, and why the others do not. */
export interface Explanation {
  readonly breaker: string;
  readonly winner?: string;
  /** The governing policy, then the others in the order of their precedence, then those that do not match. */
  readonly candidates: readonly Candidate[];
}

/** Explains which policy of a namespace governs a breaker name on an agent with these labels. */
export function explain(policies: Iterable<Routing>, labels: Labels, breaker: string): Explanation {
  const all = [...policies].sort((a, b) => (a.name < b.name ? -1 : 1));
  const best = all.flatMap((policy) => {
    const patterns = policy.breakers.filter((pattern) => matches(pattern, breaker));
    const routes = patterns.map((pattern): Route => ({ pattern, policy })).sort(compareRoutes);
    return routes.slice(0, 1);
  });
  const able = best.filter(({ policy }) => takes(policy, labels)).sort(compareRoutes);
  const unselected = best.filter(({ policy }) => !takes(policy, labels));
  const unnamed = all.filter((policy) => !best.some((route) => route.policy === policy));
  const [winner] = able;
  const candidates: Candidate[] = [
    ...able.map((route) => ({
      ...about(route),
      governs: route === winner,
      reason: route === winner ? why(route, able.length) : loss(route, winner!),
    })),
    ...unselected.map((route) => ({
      ...about(route),
      governs: false,
      reason: missingRequirement(route.policy.requirements, labels),
    })),
    ...unnamed.map((policy) => ({
      policy: policy.name,
      uid: policy.uid,
      governs: false,
      reason: `none of its breakers matches "${breaker}"`,
    })),
  ];
  return { breaker, ...(winner && { winner: winner.policy.name }), candidates };
}

const about = ({ pattern, policy }: Route) => ({ policy: policy.name, uid: policy.uid, pattern });

function why({ pattern, policy }: Route, rivals: number): string {
  const how = pattern === '*' ? 'by "*"' : isPrefix(pattern) ? `by the prefix "${pattern}"` : 'by its exact name';
  const who = policy.narrow ? 'its selector holds for this agent' : 'it takes every agent';
  return `matches ${how}, and ${who}${rivals === 1 ? '; no other policy does' : ''}`;
}

function loss({ pattern, policy }: Route, { pattern: theirs, policy: winner }: Route): string {
  if (winner.narrow && !policy.narrow) return `"${winner.name}" has a selector and this one has none`;
  if (!isPrefix(theirs) && isPrefix(pattern))
    return `"${winner.name}" names the breaker exactly, this one by "${pattern}"`;
  if (theirs.length !== pattern.length)
    return `"${winner.name}" has the longer prefix "${theirs}", this one "${pattern}"`;
  if (winner.createdAt !== policy.createdAt) return `"${winner.name}" matches as closely and is older`;
  return `"${winner.name}" matches as closely, is as old, and comes first by name`;
}

/** The first requirement of a selector that these labels do not meet, in words. */
function missingRequirement(requirements: readonly string[], labels: Labels): string {
  const failing = requirements
    .map(parsed)
    .filter(({ key, operator, values }) => !selects({ matchExpressions: [{ key, operator, values }] }, labels));
  const had = [...new Set(failing.map(({ key }) => key))].map((key) =>
    Object.hasOwn(labels, key) ? `${key}=${labels[key]}` : `no ${key}`,
  );
  return `its selector asks for ${failing.map(readable).join(' and ')}, and this agent has ${had.join(' and ')}`;
}

type Requirement = NonNullable<Selector['matchExpressions']>[number] & { readonly values: string[] };

/** Parses a requirement in the spelling of `requirementsOf`. */
function parsed(requirement: string): Requirement {
  const [key, operator] = requirement.split(' ') as [string, Requirement['operator']];
  return { key, operator, values: JSON.parse(requirement.slice(requirement.indexOf('['))) };
}

function readable({ key, operator, values }: Requirement): string {
  if (operator === 'Exists') return `any ${key}`;
  if (operator === 'DoesNotExist') return `no ${key}`;
  const [only, ...more] = values;
  if (operator === 'NotIn') return `${key} other than ${values.join(' and ')}`;
  return more.length === 0 ? `${key}=${only}` : `${key} as one of ${values.join(', ')}`;
}
