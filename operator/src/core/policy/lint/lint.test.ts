import { readdirSync, readFileSync } from 'node:fs';
import { type PolicySpec, specProblems } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import type { Policy } from '../policy.ts';
import { routingOf } from '../routing.ts';
import { lint, lintTogether } from './lint.ts';
import { LOAD_CHECKS } from './load.ts';
import { RECOVERY_CHECKS } from './recovery.ts';
import { TRIP_CHECKS } from './trip.ts';

interface Case {
  readonly name: string;
  readonly spec: PolicySpec;
  readonly says: readonly string[];
}

const cases = parse(readFileSync(new URL('../testdata/lint.yaml', import.meta.url), 'utf8')) as Case[];

describe('lint', () => {
  it.each(cases)('says what a person reads: $name', ({ spec, says }) => {
    expect(specProblems(spec)).toEqual([]);
    expect(lint(spec).map(({ field, message }) => `${field}: ${message}`)).toEqual(says);
  });

  it('has a case for every check', () => {
    const checks = [...TRIP_CHECKS, ...RECOVERY_CHECKS, ...LOAD_CHECKS];
    const unshown = checks.filter((check) => !cases.some(({ spec }) => check(spec)));
    expect(unshown.map(String)).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(20);
  });

  const examples = new URL('../../../../../examples/policies/', import.meta.url);
  it.each(readdirSync(examples))('finds nothing in the example %s', (file) => {
    for (const document of parseAllDocuments(readFileSync(new URL(file, examples), 'utf8'))) {
      expect(lint(document.toJS().spec)).toEqual([]);
    }
  });
});

describe('policies together', () => {
  const routing = (name: string, createdAt: number, spec: PolicySpec) => {
    const policy: Policy = { uid: name, namespace: 'shop', name, generation: 1, createdAt, spec, problems: [] };
    return routingOf(policy)!;
  };

  it('says that a policy never governs', () => {
    const found = lintTogether([
      routing('old', 1, { breakers: ['payments'] }),
      routing('new', 2, { breakers: ['payments'] }),
    ]);
    expect(found.get('old')).toEqual([]);
    expect(found.get('new')).toEqual([
      {
        field: 'breakers',
        message:
          'policy "old" takes all of them on every agent that this one selects, so this one never governs; name other breakers or narrow its selector',
      },
    ]);
  });

  it('says which of its names a policy never gets', () => {
    const found = lintTogether([
      routing('old', 1, { breakers: ['payments'] }),
      routing('new', 2, { breakers: ['payments', 'search'] }),
    ]);
    expect(found.get('new')).toEqual([
      {
        field: 'breakers',
        message: 'policy "old" takes "payments" from this one on every agent; leave it out of one of the two',
      },
    ]);
  });
});
