import type { Routes } from '@fuseboard/schema';
import type { Route, Routing } from './routing.ts';
import { isPrefix } from './selector.ts';

/**
 * The flat list of routes for agents that the policies of all given routes select. The first matching route governs. An
 * unreachable route, whose pattern an earlier one covers, is left out.
 *
 * @param routes in the order of `compareRoutes`.
 */
export function flatten(routes: Iterable<Route>): Routes {
  const names = new Set<string>();
  const prefixes = new Set<string>();
  const flat: Routes = [];
  for (const { pattern, policy } of routes) {
    const stem = isPrefix(pattern) ? pattern.slice(0, -1) : pattern;
    if (hasPrefixOf(prefixes, stem) || (!isPrefix(pattern) && names.has(pattern))) continue;
    (isPrefix(pattern) ? prefixes : names).add(stem);
    flat.push([pattern, policy.uid]);
  }
  return flat;
}

function hasPrefixOf(prefixes: ReadonlySet<string>, stem: string): boolean {
  if (prefixes.size === 0) return false;
  for (let length = 0; length <= stem.length; length += 1) if (prefixes.has(stem.slice(0, length))) return true;
  return false;
}

/** A pattern of a policy whose names are governed by another policy. */
interface Shadow {
  readonly pattern: string;
  /** The policy that governs the names. */
  readonly by: Routing;
  /** Whether the other policy governs on every agent that the shadowed policy selects, or only on some of them. */
  readonly everywhere: boolean;
}

/** The parts of a policy that other policies of its namespace shadow. */
export interface Precedence {
  /** The policy that governs every name of this policy on every agent; absent when this policy can govern something. */
  readonly conflict?: Routing;
  readonly shadows: readonly Shadow[];
}

/**
 * Finds policies that can never govern, and policies that lose some of their names.
 *
 * Only a policy with an equal pattern can shadow a pattern completely. Where both policies have a selector, or neither
 * has, the more specific pattern goes first, and a policy without a selector never goes before one with. Policy A
 * selects every agent of policy B when A's requirements are a subset of B's.
 *
 * @param routes of one namespace, in the order of `compareRoutes`.
 */
export function precedenceOf(routes: readonly Route[]): Map<string, Precedence> {
  const earlier = new Map<string, Routing[]>();
  const shadows = new Map<string, Shadow[]>();
  for (const { pattern, policy } of routes) {
    const before = earlier.get(pattern) ?? [];
    if (before.length === 0) earlier.set(pattern, before);
    const covering = before.find((other) => covers(other, policy));
    const overlapping = before.find((other) => other.narrow && !policy.narrow);
    const by = covering ?? overlapping;
    if (!shadows.has(policy.uid)) shadows.set(policy.uid, []);
    if (by !== undefined) shadows.get(policy.uid)!.push({ pattern, by, everywhere: by === covering });
    before.push(policy);
  }
  const found = new Map<string, Precedence>();
  for (const { policy } of routes) {
    if (found.has(policy.uid)) continue;
    const mine = shadows.get(policy.uid)!;
    const lost = mine.filter((shadow) => shadow.everywhere);
    const conflict = lost.length === policy.breakers.length ? lost[0]!.by : undefined;
    found.set(policy.uid, { ...(conflict && { conflict }), shadows: mine });
  }
  return found;
}

/** Whether every requirement of `a` is also one of `b`, so that `a` selects every agent of `b`. */
function covers(a: Routing, b: Routing): boolean {
  return a.narrow === b.narrow && a.requirements.every((requirement) => b.requirements.includes(requirement));
}
