import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { explain } from './explain.ts';
import type { Policy } from './policy.ts';
import { flatten, precedenceOf } from './precedence.ts';
import { type Routing, routingOf, sortedRoutes, takes } from './routing.ts';
import { type Labels, matches } from './selector.ts';

const TESTDATA = new URL('testdata/', import.meta.url);

interface Input {
  policies: { name: string; createdAt?: number; spec: Policy['spec'] }[];
  agents: { labels: Labels; breakers: string[] }[];
}

const routing = (name: string, spec: Policy['spec'], createdAt = 0): Routing =>
  routingOf({ uid: name, name, createdAt, spec, problems: [] })!;

const routesFor = (policies: Routing[], labels: Labels) =>
  flatten(sortedRoutes(policies.filter((policy) => takes(policy, labels))));

const governs = (routes: ReturnType<typeof flatten>, name: string) =>
  routes.find(([pattern]) => matches(pattern, name))?.[1];

/** Run with UPDATE_GOLDEN=1 to write the results, and review the difference before it is committed. */
describe('golden files', () => {
  for (const file of readdirSync(TESTDATA).filter((name) => name.endsWith('.in.yaml'))) {
    it(`resolves ${file}`, () => {
      const { policies, agents } = parse(readFileSync(new URL(file, TESTDATA), 'utf8')) as Input;
      const routings = policies.map(({ name, createdAt, spec }) => routing(name, spec, createdAt));
      const found = {
        precedence: Object.fromEntries(
          [...precedenceOf(sortedRoutes(routings))].map(([uid, { conflict, shadows }]) => [
            uid,
            {
              ...(conflict && { conflictsWith: conflict.name }),
              loses: shadows.map(
                ({ pattern, by, everywhere }) => `${pattern} to ${by.name} ${everywhere ? 'always' : 'in part'}`,
              ),
            },
          ]),
        ),
        agents: agents.map(({ labels, breakers }) => ({
          labels,
          routes: routesFor(routings, labels).map((route) => route.join(' -> ')),
          explanations: Object.fromEntries(
            breakers.map((name) => [
              name,
              explain(routings, labels, name).candidates.map(
                ({ policy, governs: wins, reason }) => `${wins ? '* ' : ''}${policy}: ${reason}`,
              ),
            ]),
          ),
        })),
      };
      const golden = new URL(file.replace('.in.', '.out.'), TESTDATA);
      if (process.env.UPDATE_GOLDEN) writeFileSync(golden, stringify(found, { lineWidth: 0 }));
      expect(stringify(found, { lineWidth: 0 })).toBe(readFileSync(golden, 'utf8'));
    });
  }
});

describe('the flat list', () => {
  const word = fc.stringMatching(/^[ab]{1,3}$/);
  const pattern = fc.oneof(
    word,
    word.map((stem) => `${stem}*`),
    fc.constant('*'),
  );
  const selector = fc.option(
    fc.record({
      matchLabels: fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('x', 'y'), { maxKeys: 2 }),
    }),
    { nil: undefined },
  );
  const policies = fc
    .array(
      fc.record({
        breakers: fc.uniqueArray(pattern, { minLength: 1, maxLength: 4 }),
        selector,
        createdAt: fc.nat(2),
      }),
      { maxLength: 6 },
    )
    .map((list) => list.map(({ createdAt, ...spec }, i) => routing(`p${i}`, spec, createdAt)));
  const labels = fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('x', 'y'), { maxKeys: 2 });

  /** Whether `a` precedes `b` for a name, directly by the rules, policy by policy. */
  function beats(a: Routing, b: Routing, name: string): boolean {
    const rank = ({ selector: own, breakers, createdAt, name: policy }: Routing) => {
      const exact = breakers.includes(name);
      const stems = breakers.filter((one) => one.endsWith('*') && name.startsWith(one.slice(0, -1)));
      return [
        Object.keys(own?.matchLabels ?? {}).length > 0 ? 0 : 1,
        exact ? 0 : 1,
        exact ? 0 : -Math.max(...stems.map((stem) => stem.length)),
        createdAt,
        policy,
      ];
    };
    const [ranksA, ranksB] = [rank(a), rank(b)];
    const at = ranksA.findIndex((value, i) => value !== ranksB[i]);
    return ranksA[at]! < ranksB[at]!;
  }

  it('agrees with a comparison of the policies for any name', () => {
    fc.assert(
      fc.property(policies, labels, word, (all, agent, name) => {
        const able = all.filter((policy) => takes(policy, agent) && policy.breakers.some((one) => matches(one, name)));
        const winner = able.find((policy) => able.every((other) => other === policy || beats(policy, other, name)));
        expect(governs(routesFor(all, agent), name)).toBe(winner?.name);
        expect(explain(all, agent, name).winner).toBe(winner?.name);
      }),
      { numRuns: 500 },
    );
  });

  it('holds no route that an earlier one covers', () => {
    fc.assert(
      fc.property(policies, labels, (all, agent) => {
        const routes = routesFor(all, agent);
        for (const [i, [pattern]] of routes.entries()) {
          for (const [earlier] of routes.slice(0, i)) {
            const stem = pattern.replace(/\*$/, '');
            const covered = earlier === pattern || (earlier.endsWith('*') && stem.startsWith(earlier.slice(0, -1)));
            expect(covered).toBe(false);
          }
        }
      }),
    );
  });

  it('never calls a policy conflicted that governs a name on some agent', () => {
    fc.assert(
      fc.property(policies, labels, (all, agent) => {
        const found = precedenceOf(sortedRoutes(all));
        for (const [, uid] of routesFor(all, agent)) expect(found.get(uid)?.conflict).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe('a policy that cannot be used', () => {
  const broken = (spec: unknown): Policy => ({
    uid: 'u',
    namespace: 'shop',
    name: 'p',
    generation: 2,
    createdAt: 0,
    spec: spec as Policy['spec'],
    problems: [{ field: 'spec', message: 'some' }],
  });

  it('is routed by its breakers and selector as long as these are sound', () => {
    const found = routingOf(broken({ breakers: ['a'], selector: { matchLabels: { app: 'x' } }, trip: 7 }));
    expect(found).toMatchObject({ breakers: ['a'], narrow: true });
  });

  it.each([
    [{ breakers: [] }],
    [{ breakers: 'a' }],
    [{ breakers: ['a'], selector: { matchExpressions: [{ key: 'k', operator: 'In' }] } }],
    [{ breakers: ['a'], selector: { matchLabels: { 'not a key!': 'x' } } }],
    [null],
    [undefined],
  ])('has no route of its own with %j', (spec) => {
    expect(routingOf(broken(spec))).toBeUndefined();
  });
});
