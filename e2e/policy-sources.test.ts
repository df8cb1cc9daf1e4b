import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { BehaviourProcess } from './processes/behaviour.ts';
import type { Act } from './processes/behaviour-main.ts';
import { OperatorProcess } from './processes/operator.ts';

interface Case {
  readonly title: string;
  readonly spec: Record<string, unknown>;
  readonly acts: readonly Act[];
  readonly met: readonly string[];
}

const once = { consecutiveFailures: 1 };
const soon = { openDuration: '300ms' };
const backoff = { initial: '1ms', factor: 1, max: '1ms', jitterPercent: 0 };
const halfOpen = { until: 'half-open' } as const;
const opens = ['failed, open', 'so, half-open'];

const CASES: readonly Case[] = [
  {
    title: 'consecutive failures',
    spec: { trip: { consecutiveFailures: 2 } },
    acts: ['fail', 'ok', 'fail', 'fail', 'ok'],
    met: ['failed, closed', 'passed, closed', 'failed, closed', 'failed, open', 'rejected, open'],
  },
  {
    title: 'a rate of failures, from a number of calls on',
    spec: { trip: { minimumCalls: 3, failureRate: { thresholdPercent: 60 } } },
    acts: ['fail', 'fail', 'ok'],
    met: ['failed, closed', 'failed, closed', 'passed, open'],
  },
  {
    title: 'a number of failures in a window of calls',
    spec: { trip: { window: { type: 'Count', size: 2 }, failureCount: 2 } },
    acts: ['fail', 'ok', 'fail', 'fail'],
    met: ['failed, closed', 'passed, closed', 'failed, closed', 'failed, open'],
  },
  {
    title: 'a number of failures in a window of time',
    spec: { trip: { window: { type: 'Time', duration: '50ms' }, failureCount: 2 } },
    acts: ['fail', { until: 'empty window' }, 'fail'],
    met: ['failed, closed', 'so, closed', 'failed, closed'],
  },
  {
    title: 'a window that fades',
    spec: {
      trip: { window: { type: 'Ewma', halfLife: '1h' }, minimumCalls: 1, failureRate: { thresholdPercent: 100 } },
    },
    acts: ['fail'],
    met: ['failed, open'],
  },
  {
    title: 'slow calls',
    spec: { trip: { minimumCalls: 1, slowCallRate: { thresholdPercent: 100, slowerThan: '10ms' } } },
    acts: ['slow'],
    met: ['passed, open'],
  },
  {
    title: 'an open time',
    spec: { trip: once, recovery: { openDuration: '7s' } },
    acts: ['fail', 'look'],
    met: ['failed, open', '7 s, open'],
  },
  {
    title: 'an open time that grows',
    spec: { trip: once, recovery: { openDuration: '900ms', backoffFactor: 10 } },
    acts: ['fail', halfOpen, 'fail', 'look'],
    met: [...opens, 'failed, open', '9 s, open'],
  },
  {
    title: 'an open time that is drawn',
    spec: { trip: once, recovery: { openDuration: '1h', jitterPercent: 100 } },
    acts: ['fail', 'look for an hour'],
    met: ['failed, open', 'true, open'],
  },
  {
    title: 'an open time that the dependency asks for',
    spec: { trip: once, recovery: { openDuration: '1s', honorRetryAfter: true, maxOpenDuration: '9s' } },
    acts: [{ throws: { headers: { 'retry-after': '60' } } }, 'look'],
    met: ['failed, open', '9 s, open'],
  },
  {
    title: 'probes at once, and good ones that it takes to close',
    spec: { trip: once, recovery: { ...soon, halfOpen: { strategy: 'Probes', maxProbes: 2, successThreshold: 2 } } },
    acts: ['fail', halfOpen, 'hold', 'ok', 'hold', 'ok'],
    met: [...opens, 'began, half-open', 'passed, half-open', 'began, half-open', 'rejected, half-open'],
  },
  {
    title: 'a probe that does not end',
    spec: { trip: once, recovery: { ...soon, backoffFactor: 10, halfOpen: { probeTimeout: '50ms' } } },
    acts: ['fail', halfOpen, 'hold', { until: 'open' }],
    met: [...opens, 'began, half-open', 'so, open'],
  },
  {
    title: 'probes that decide together',
    spec: {
      trip: { minimumCalls: 1, failureRate: { thresholdPercent: 60 } },
      recovery: { ...soon, halfOpen: { evaluate: 'FailureRate', maxProbes: 1 } },
    },
    acts: ['fail', halfOpen, 'ok'],
    met: [...opens, 'passed, closed'],
  },
  {
    title: 'a ramp at its beginning',
    spec: { trip: once, recovery: { ...soon, halfOpen: { strategy: 'Ramp', rampDuration: '24h' } } },
    acts: ['fail', halfOpen, 'ok', 'ok'],
    met: [...opens, 'passed, half-open', 'rejected, half-open'],
  },
  {
    title: 'a ramp to its end',
    spec: { trip: once, recovery: { ...soon, halfOpen: { strategy: 'Ramp', rampDuration: '30ms' } } },
    acts: ['fail', halfOpen, 'recover'],
    met: [...opens, 'recovered, closed'],
  },
  {
    title: 'a time limit',
    spec: { trip: once, timeout: { duration: '20ms' } },
    acts: ['never', 'ok'],
    met: ['timed out, open', 'rejected, open'],
  },
  {
    title: 'failures by name and code',
    spec: { trip: once, classify: { failure: { errorNames: ['Boom'], errorCodes: ['E_BOOM'] } } },
    acts: ['fail', { throws: { code: 'E_BOOM' } }],
    met: ['failed, closed', 'failed, open'],
  },
  {
    title: 'failures by status',
    spec: { trip: once, classify: { failure: { httpStatus: ['404'] } } },
    acts: [{ returns: 503 }, { returns: 404 }],
    met: ['passed, closed', 'passed, open'],
  },
  {
    title: 'what is ignored, by name, code and status',
    spec: {
      trip: once,
      classify: { ignore: { errorNames: ['Late'], errorCodes: ['E_LATE'], httpStatus: ['503'] } },
    },
    acts: [{ throws: { name: 'Late' } }, { throws: { code: 'E_LATE' } }, { returns: 503 }, { returns: 500 }],
    met: ['failed, closed', 'failed, closed', 'passed, closed', 'passed, open'],
  },
  {
    title: 'a time limit that follows what calls take',
    spec: {
      trip: once,
      timeout: { adaptive: { percentile: 95, headroomPercent: 20, minimumSamples: 1, min: '10ms', max: '20ms' } },
    },
    acts: ['ok', 'never'],
    met: ['passed, closed', 'timed out, open'],
  },
  {
    title: 'tries inside the breaker',
    spec: { trip: once, retry: { maxAttempts: 2, backoff, budgetPercent: 100, placement: 'InsideBreaker' } },
    acts: ['tries'],
    met: ['2 tries, open'],
  },
  {
    title: 'no tries without a budget',
    spec: { retry: { maxAttempts: 2, backoff, budgetPercent: 1, minPerSecond: 0 } },
    acts: ['tries'],
    met: ['1 tries, closed'],
  },
  {
    title: 'tries that each pass the breaker',
    spec: { trip: once, retry: { maxAttempts: 2, backoff, budgetPercent: 100, placement: 'OutsideBreaker' } },
    acts: ['tries'],
    met: ['1 tries, open'],
  },
  {
    title: 'a limit of calls at once',
    spec: { concurrency: { maxConcurrent: 1, maxQueue: 0 } },
    acts: ['hold', 'ok'],
    met: ['began, closed', 'limited, closed'],
  },
  {
    title: 'a limit of calls at once that follows them',
    spec: { concurrency: { maxConcurrent: 2, adaptive: { minConcurrent: 1, initial: 1 } } },
    acts: ['hold', 'ok'],
    met: ['began, closed', 'limited, closed'],
  },
  {
    title: 'a queue before that limit',
    spec: { concurrency: { maxConcurrent: 1, maxQueue: 1, queueTimeout: '10ms' } },
    acts: ['hold', 'ok'],
    met: ['began, closed', 'queued in vain, closed'],
  },
  {
    title: 'a prepared answer',
    spec: { trip: once, fallback: { type: 'Static', static: { value: 'cold' } } },
    acts: [{ answered: 'fail' }],
    met: ['got cold, open'],
  },
  {
    title: 'the last good answer',
    spec: { trip: once, fallback: { type: 'LastSuccess', maxAge: '1h' } },
    acts: [{ answered: 'ok' }, { answered: 'fail' }],
    met: ['got fine, closed', 'got fine, open'],
  },
  {
    title: 'a circuit for each key',
    spec: { trip: once, perKey: { maxKeys: 1, idleTimeout: '1h' } },
    acts: [
      { key: 'a', call: 'fail' },
      { key: 'b', call: 'ok' },
      { key: 'b', call: 'fail' },
      { key: 'c', call: 'ok' },
    ],
    met: ['failed, closed', 'passed, closed', 'failed, closed', 'rejected, closed'],
  },
  {
    title: 'the shadow mode',
    spec: { mode: 'Shadow', trip: once },
    acts: ['fail', 'ok'],
    met: ['failed, open', 'passed, open'],
  },
  {
    title: 'the disabled mode',
    spec: { mode: 'Disabled', trip: once },
    acts: ['fail', 'fail'],
    met: ['failed, closed', 'failed, closed'],
  },
];

/**
 * Whom a policy is for is not a breaker's business; `onUpdate` shows only when a policy is edited, which code's
 * defaults never are.
 */
const ELSEWHERE = /^(breakers|selector|onUpdate)\b/;

const nameOf = (title: string) => title.replace(/[^a-z]+/g, '-');
const resource = ({ title, spec }: Case) => policy('default', nameOf(title), { ...spec, breakers: [nameOf(title)] });

let folder: string;
let cluster: Cluster;
const operators: OperatorProcess[] = [];
const services: Record<string, BehaviourProcess> = {};

async function serviceOf(operator: OperatorProcess): Promise<BehaviourProcess> {
  operators.push(operator);
  return BehaviourProcess.start({ FUSEBOARD_URL: operator.url, FUSEBOARD_NAMESPACE: 'default' });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-policy-sources-'));
  for (const one of CASES) {
    await writeFile(join(folder, `${nameOf(one.title)}.yaml`), JSON.stringify(resource(one)));
  }
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.kubectl('apply', '-f', folder);
  services.code = await BehaviourProcess.start({});
  services.file = await serviceOf(await OperatorProcess.start(`--policies=${folder}`));
  services.kubectl = await serviceOf(await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`));
}, 600_000);

afterAll(async () => {
  await Promise.all([...Object.values(services), ...operators].map((one) => one.end()));
  await cluster?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

describe('the defaults of code, a file and kubectl apply give the same behaviour', () => {
  it.each(CASES)('for $title', async ({ title, spec, acts, met }) => {
    const name = nameOf(title);
    const [code, file, kubectl] = await Promise.all([
      services.code!.run(name, acts, spec),
      services.file!.run(name, acts),
      services.kubectl!.run(name, acts),
    ]);
    expect({ code, file, kubectl }).toEqual({ code: met, file: met, kubectl: met });
  });

  it('for every field of a policy', async () => {
    const schema = JSON.parse(await readFile(new URL('../crds/schema/policy.schema.json', import.meta.url), 'utf8'));
    const wanted = fieldsOf(schema.properties.spec).filter((path) => !ELSEWHERE.test(path));
    const shown = new Set(CASES.flatMap(({ spec }) => pathsOf(spec)));
    expect(wanted.filter((path) => !shown.has(path))).toEqual([]);
    expect(wanted.length).toBeGreaterThan(20);
  });
});

interface Node {
  readonly properties?: Record<string, Node>;
}

function fieldsOf({ properties = {} }: Node, path = ''): string[] {
  return Object.entries(properties).flatMap(([name, node]) =>
    node.properties === undefined ? [path + name] : fieldsOf(node, `${path}${name}.`),
  );
}

function pathsOf(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? pathsOf(inner, `${path}${name}.`)
      : [path + name],
  );
}
