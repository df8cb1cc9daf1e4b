import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { StandaloneTarget } from '../src/cli/client/standalone.ts';
import { describeCommand } from '../src/cli/commands/describe.ts';
import { getCommand } from '../src/cli/commands/get.ts';
import { outagesCommand } from '../src/cli/commands/outages.ts';
import { statusCommand } from '../src/cli/commands/status.ts';
import { readConfig } from '../src/config/config.ts';
import { readOverride } from '../src/core/policy/read-override.ts';
import { OutageDetailSchema, OutageListSchema } from '../src/http/admin/answers/outages.ts';
import { type Serving, serve } from '../src/serve.ts';
import { FLAGS, localAdapters } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';
import { PlainAgent } from './plain-agent.ts';
import { until } from './until.ts';

let source: MemorySource;
let serving: Serving;
let agents: PlainAgent[];

beforeEach(async () => {
  const log = pino({ level: 'silent' });
  source = new MemorySource();
  serving = await serve(readConfig(FLAGS), { ...(await localAdapters(log)), source }, log);
  source.set([policy('payments')]);
  await until(async () => (await fetch(`${serving.metricsUrl}/readyz`)).ok);
  agents = [];
  for (const i of [1, 2, 3]) {
    agents.push(await new PlainAgent(serving.agentsUrl, 'default', 'checkout', `checkout-${i}`).join());
  }
});

afterEach(async () => {
  for (const agent of agents) agent.close();
  await serving.stop(0);
});

const get = async (path: string) => (await fetch(`${serving.adminUrl}${path}`)).json();

const command = (...args: string[]) => run(outagesCommand, ...args);

async function run(make: typeof outagesCommand, ...args: string[]) {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })];
  const terminal = { args, out: out as never, err: err as never };
  let code = -1;
  const found = make(
    terminal,
    () => new StandaloneTarget([serving.adminUrl]),
    (set) => {
      code = set;
    },
  );
  await found.exitOverride().parseAsync(args, { from: 'user' });
  return { out: (out.read() as string | null) ?? '', err: (err.read() as string | null) ?? '', code };
}

const opened = [{ from: 'closed', to: 'open', agoMs: 0, reason: 'failure-rate' }] as const;

it('tells of an outage, as the API describes it and as a person reads it', async () => {
  expect(await command()).toEqual({
    out: '',
    err: 'nothing is refused, and nothing was in the last 24 hours in namespace "default"\n',
    code: 0,
  });
  const [one, two, three] = agents;
  await one!.report({ payments: { failed: 9, state: 'open', transitions: [...opened] } });
  await two!.report({ payments: { rejected: 30, fallback: 30, state: 'open', transitions: [...opened] } });
  await three!.report({ payments: { succeeded: 4 } });

  const list = OutageListSchema.strict().parse(await get('/v1/outages'));
  expect(list.items).toHaveLength(1);
  const [outage] = list.items;
  expect(outage).toMatchObject({ breaker: 'payments', phase: 'refused', reason: 'failure-rate', hit: 2, agents: 3 });
  expect(outage!.sentence).toMatch(/^payments is refused by 2 of 3 checkout pods for \d s: /);
  const detail = OutageDetailSchema.strict().parse(await get(`/v1/outages/default/${outage!.id}`));
  expect(detail.series.values.length % detail.series.columns.length).toBe(0);
  expect(await get('/v1/outages/default/none')).toEqual({
    error: 'there is no outage "none" in namespace "default"; one is kept for 24 hours',
  });
  expect(await get('/v1/overview')).toMatchObject({ outages: { lasting: 1, over: 0 } });

  const { out, code } = await command('--exit-code');
  expect(code).toBe(1);
  expect(out.split('\n')[0]).toMatch(/^payments is refused by 2 of 3 checkout pods/);
  expect(out).toMatch(/^payments +refused +\S+Z +\ds +30 +2\/3 +failure rate +\S+-payments-[0-9a-f]{8}$/m);
  const shown = (await command('payments')).out;
  expect(shown).toMatch(/^cause +failure rate, first on checkout-1$/m);
  expect(shown).toMatch(/^rejected +\|.*█.*\| most 30 in 2s$/m);
  expect(shown).toMatch(/^service +checkout: 2 of 3 agents$/m);
  await expect(command('paymnts')).rejects.toThrow(
    'there is no outage of the last 24 hours "paymnts" in namespace "default"; did you mean "payments"?',
  );
});

const RUNBOOK = { kind: 'runbook', url: 'https://wiki.test/{namespace}/{breaker}' } as const;

it('is told where people look first: status, breaker and policy, with its cause and what to do next', async () => {
  source.set([policy('payments', { generation: 2, links: [RUNBOOK] })]);
  await until(async () => JSON.stringify(await get('/v1/policies/default/payments')).includes(RUNBOOK.url));
  const lastError = { name: 'ECONNREFUSED', message: 'connect\nECONNREFUSED' };
  await agents[0]!.report({ payments: { failed: 9, state: 'open', transitions: [...opened], lastError } });
  await agents[1]!.report({ payments: { succeeded: 4 } });
  const probe = [
    { from: 'open', to: 'half-open', agoMs: 2, reason: 'open-duration-over' },
    { from: 'half-open', to: 'open', agoMs: 1, reason: 'probe-failed' },
  ] as const;
  await agents[0]!.report({ payments: { failed: 1, state: 'open', transitions: [...probe], lastError } });
  const sentence = /payments is refused by 1 of 2 checkout pods for \d s: [^\n]+/;
  const cause = /failure rate \(ECONNREFUSED: connect\\u000aECONNREFUSED\), first on checkout-1/;
  const either = (...parts: RegExp[]) => new RegExp(parts.map(({ source }) => source).join(''), 'm');

  const breaker = (await run(describeCommand, 'breaker', 'payments')).out;
  expect(breaker).toMatch(
    either(/^Outage: +/, sentence, /\nCause: +/, cause, /\nLast failure: +ECONNREFUSED: connect\\u000a/),
  );
  expect(breaker).toMatch(/^Runbook: +https:\/\/wiki\.test\/default\/payments$/m);
  const whole = (await run(describeCommand, 'policy', 'payments')).out;
  expect(whole).toMatch(
    either(/^Outage: +/, sentence, /\nCause: +/, cause, /\nRunbook: +https:\/\/wiki\.test\/\{namespace\}/),
  );

  const status = await run(statusCommand);
  expect(status.out).toMatch(either(/^/, sentence, /\n1 outage lasts: fuseboard outages -n default$/));
  const { lasting, outages } = JSON.parse((await run(statusCommand, '-o', 'json')).out);
  expect([lasting, outages]).toMatchObject([1, [{ breaker: 'payments', sentence: expect.stringMatching(sentence) }]]);

  const listed = (await run(getCommand, 'outages', 'payments')).out;
  expect(listed).toMatch(either(/^/, sentence, /\n\nBREAKER .*\npayments +refused /));
  await expect(run(getCommand, 'outages', 'paymnts')).rejects.toThrow('did you mean "payments"?');
  const shown = (await command('payments')).out;
  expect(shown).toMatch(/^runbook +https:\/\/wiki\.test\/default\/payments$/m);
  expect(shown).toMatch(/^next +fuseboard describe breaker payments -n default /m);
  expect(shown).toMatch(/^ +fuseboard force-closed payments -n default --for 5m /m);
});

it('says who overrode the breaker', async () => {
  await agents[0]!.report({ payments: { failed: 9, state: 'open', transitions: [...opened] } });
  const spec = { breakers: ['pay*'], action: 'ForceOpen', reason: 'the partner asked', duration: '5m' };
  const made = { uid: 'o', namespace: 'default', name: 'o', createdAt: Date.now(), createdBy: 'ann', spec };
  source.overrides = [readOverride(made)];
  source.set([policy('payments')]);
  await until(async () => (await command('payments')).out.includes('ForceOpen'));
  const { out } = await command('payments');
  expect(out).toMatch(/^override +\S+Z ForceOpen by ann: the partner asked$/m);
  expect(out).toMatch(/^next +fuseboard overrides end o -n default /m);
});
