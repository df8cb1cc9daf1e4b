import { specProblems } from '@fuseboard/schema';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { DURATION_CASES, RULE_CASES } from '../crds/schema/src/rules.cases.ts';
import { violations } from '../crds/schema/src/rules.ts';
import { KubeClient, KubeError } from '../operator/src/kube/api/client.ts';
import { collectionPath, POLICIES } from '../operator/src/kube/api/resource.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';

let cluster: Cluster;
let client: KubeClient;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  client = new KubeClient(config);
}, 900_000);

afterAll(() => cluster?.stop());

const policy = (spec: unknown) => ({
  apiVersion: 'fuseboard.dev/v1alpha1',
  kind: 'CircuitBreakerPolicy',
  metadata: { name: 'case', namespace: 'default' },
  spec,
});

/** What the API server says about a spec; nothing when it takes it. */
async function refusal(spec: unknown): Promise<string | undefined> {
  try {
    await client.request(collectionPath(POLICIES, 'default'), {
      method: 'POST',
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: policy(spec),
    });
    return undefined;
  } catch (error) {
    if (error instanceof KubeError && (error.status === 422 || error.status === 400)) return error.message;
    throw error;
  }
}

describe('the rules across fields, on the API server', () => {
  it.each(RULE_CASES.map((each) => [each.name, each] as const))(
    'judge %s as we do',
    async (_name, { spec, broken }) => {
      const message = await refusal(spec);
      expect(message === undefined).toBe(broken.length === 0);
      for (const violation of violations(spec)) {
        expect(message).toContain(`spec.${violation.field}: `);
        expect(message).toContain(violation.message);
      }
    },
  );

  it.each(DURATION_CASES)('judge the duration %s as we do', async (text, accepted) => {
    const message = await refusal({ breakers: ['a'], timeout: { duration: text } });
    if (accepted) expect(message).toBeUndefined();
    else expect(message).toContain('spec.timeout.duration: ');
  });
});

describe('a single bad field', () => {
  const cases: [string, unknown, string][] = [
    ['a missing list of breakers', {}, 'spec.breakers'],
    ['no breakers', { breakers: [] }, 'spec.breakers'],
    ['a breaker named twice', { breakers: ['a', 'a'] }, 'spec.breakers'],
    ['a name that begins with a dash', { breakers: ['-a'] }, 'spec.breakers[0]'],
    ['a star in the middle', { breakers: ['a*b'] }, 'spec.breakers[0]'],
    ['a name of 129 characters', { breakers: ['a'.repeat(129)] }, 'spec.breakers[0]'],
    ['an unknown mode', { breakers: ['a'], mode: 'Enforced' }, 'spec.mode'],
    [
      'a share of 101 percent',
      { breakers: ['a'], trip: { failureRate: { thresholdPercent: 101 } } },
      'spec.trip.failureRate.thresholdPercent',
    ],
    [
      'a share of half a percent',
      { breakers: ['a'], trip: { failureRate: { thresholdPercent: 0.5 } } },
      'spec.trip.failureRate.thresholdPercent',
    ],
    ['a count that is text', { breakers: ['a'], trip: { failureCount: '5' } }, 'spec.trip.failureCount'],
    ['a duration without a unit', { breakers: ['a'], recovery: { openDuration: '30' } }, 'spec.recovery.openDuration'],
    [
      'a status that is none',
      { breakers: ['a'], classify: { failure: { httpStatus: ['6xx'] } } },
      'spec.classify.failure.httpStatus[0]',
    ],
    ['a misspelt field', { breakers: ['a'], tirp: {} }, 'spec.tirp'],
  ];

  it.each(cases)('is named by the API server and by us: %s', async (_name, spec, field) => {
    expect(await refusal(spec)).toContain(field);
    const problems = specProblems(spec);
    expect(problems).not.toEqual([]);
    // An unknown field is a problem of the object that holds it.
    if (field !== 'spec.tirp') expect(problems.map((problem) => problem.field)).toContain(field);
  });

  it('is named by kubectl, with what to do', async () => {
    const apply = cluster.kubectl('apply', '-f', '-', {
      input: JSON.stringify(policy({ breakers: ['a'], trip: { failureCount: 1, window: { type: 'Time' } } })),
    });
    await expect(apply).rejects.toThrow(
      /spec\.trip\.window\.duration: .*duration is required with type Time and not allowed with any other type/,
    );
    const misspelt = cluster.kubectl('apply', '-f', '-', {
      input: JSON.stringify(policy({ breakers: ['a'], tirp: {} })),
    });
    await expect(misspelt).rejects.toThrow('unknown field "spec.tirp"');
  });
});

describe('what kubectl tells about the definition', () => {
  const plain = (text: string) => text.replace(/\s+/g, ' ');

  it('explains a field by its description', async () => {
    const text = plain(await cluster.kubectl('explain', 'cbp.spec.trip'));
    expect(text).toContain(
      'When the circuit opens: as soon as any one of the conditions holds. Absent: it never opens by itself.',
    );
    expect(text).toContain('consecutiveFailures <integer> Opens after this many failures in a row.');
    expect(plain(await cluster.kubectl('explain', 'cbp.spec.trip.window.duration'))).toContain(
      'How far back a Time window reaches.',
    );
  });

  it('stores mode and onUpdate where they are absent, and nothing else', async () => {
    const spec = { breakers: ['a'], trip: { consecutiveFailures: 3 }, recovery: {} };
    const input = JSON.stringify({ ...policy(spec), metadata: { name: 'defaults', namespace: 'default' } });
    await cluster.kubectl('apply', '-f', '-', { input });
    const stored = JSON.parse(await cluster.kubectl('get', 'cbp', 'defaults', '-o', 'json'));
    expect(stored.spec).toEqual({ ...spec, mode: 'Enforce', onUpdate: 'Preserve' });
  });

  it('prints the columns that say how far a policy has come', async () => {
    const [header] = (await cluster.kubectl('get', 'cbp')).split('\n');
    expect(header!.trim().split(/\s+/)).toEqual([
      'NAME',
      'BREAKERS',
      'MODE',
      'ACCEPTED',
      'PROGRAMMED',
      'APPLIED',
      'OPEN',
      'AGE',
    ]);
  });
});
