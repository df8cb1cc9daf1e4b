import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

let cluster: Cluster;
let operator: OperatorProcess;
const agents: AgentProcess[] = [];

const agent = async (namespace: string, labels = '', more: Record<string, string> = {}) => {
  const started = await AgentProcess.start({
    FUSEBOARD_URL: operator.url,
    FUSEBOARD_NAMESPACE: namespace,
    FUSEBOARD_SERVICE: 'checkout',
    FUSEBOARD_LABELS: labels,
    ...more,
  });
  agents.push(started);
  return started;
};

const programmed = (namespace: string, name: string) =>
  cluster.kubectl('wait', '--for=condition=Programmed', `cbp/${name}`, '-n', namespace, '--timeout=20s');
const get = async (namespace: string, name: string) =>
  JSON.parse(await cluster.kubectl('get', 'cbp', name, '-n', namespace, '-o', 'json'));
const condition = (object: { status?: { conditions?: { type: string }[] } }, type: string) =>
  object.status?.conditions?.find((one) => one.type === type) as Record<string, unknown> | undefined;
const threshold = async (one: AgentProcess, breaker: string) =>
  (await one.stats(breaker)).policy?.spec as { trip?: { consecutiveFailures?: number } } | undefined;

const failing = (count: number) => Array<'fail'>(count).fill('fail');

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  for (const name of ['shop', 'other', 'rank', 'held']) await cluster.namespace(name);
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
}, 600_000);

afterAll(async () => {
  await Promise.all(agents.map((one) => one.end()));
  await operator?.end();
  await cluster?.stop();
});

describe('a policy that is applied with kubectl', () => {
  it('governs the running process, shows in the columns, and can be edited, deleted and made again', async () => {
    const checkout = await agent('shop');
    expect(await checkout.call('payments', ...failing(10))).toEqual(Array(10).fill('failed'));

    await cluster.apply(policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures: 3 } }));
    await programmed('shop', 'payments');
    expect(await checkout.call('payments', 'ok', ...failing(4))).toEqual([
      'passed',
      'failed',
      'failed',
      'failed',
      'rejected',
    ]);

    const table = await eventually(async () => {
      const text = await cluster.kubectl('get', 'cbp', '-n', 'shop');
      return /\b1\/1\s+1\b/.test(text) && text;
    });
    expect(table.split('\n')[0]?.trim().split(/\s+/)).toEqual([
      'NAME',
      'BREAKERS',
      'MODE',
      'ACCEPTED',
      'PROGRAMMED',
      'APPLIED',
      'OPEN',
      'AGE',
    ]);
    expect(table).toMatch(/payments\s+\["payments"\]\s+Enforce\s+True\s+True\s+1\/1\s+1\s/);
    expect(condition(await get('shop', 'payments'), 'Healthy')).toMatchObject({
      status: 'False',
      reason: 'BreakerOpen',
    });

    const edit = { spec: { trip: { consecutiveFailures: 5 } } };
    await cluster.kubectl('patch', 'cbp', 'payments', '-n', 'shop', '--type=merge', '-p', JSON.stringify(edit));
    await programmed('shop', 'payments');
    expect((await threshold(checkout, 'payments'))?.trip?.consecutiveFailures).toBe(5);

    const { metadata } = await get('shop', 'payments');
    await cluster.kubectl('delete', 'cbp', 'payments', '-n', 'shop');
    await eventually(async () => (await threshold(checkout, 'payments')) === undefined);

    await cluster.apply(policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures: 2 } }));
    await programmed('shop', 'payments');
    const again = await get('shop', 'payments');
    expect(again.metadata.uid).not.toBe(metadata.uid);
    expect((await checkout.stats('payments')).policy).toMatchObject({ uid: again.metadata.uid, generation: 1 });
  });

  it('says in its status that no code lets its fallback answer, until some does', async () => {
    const service = await agent('shop');
    const fallback = { type: 'Static', static: { value: { price: 1 } } };
    await cluster.apply(policy('shop', 'offers', { breakers: ['offers'], trip: { consecutiveFailures: 3 }, fallback }));
    await programmed('shop', 'offers');
    const accepted = async () => String(condition(await get('shop', 'offers'), 'Accepted')?.message);
    expect(await accepted()).toBe('the spec is valid');
    expect(await service.call('offers', 'ok', 'fail')).toEqual(['passed', 'failed']);
    await eventually(async () => (await accepted()).includes('its fallback is not used: no call on 1 breaker'), 60_000);
    expect(await service.callAnswered('offers', 'fail')).toEqual(['passed']);
    await eventually(async () => (await accepted()) === 'the spec is valid', 60_000);
    expect(condition(await get('shop', 'offers'), 'Accepted')).toMatchObject({ status: 'True', reason: 'Valid' });
  });

  it('leaves Events of its delivery and of the opening of its breaker, which kubectl describe lists', async () => {
    const service = await agent('shop');
    await cluster.apply(policy('shop', 'told', { breakers: ['told'], trip: { consecutiveFailures: 2 } }));
    await programmed('shop', 'told');
    await service.call('told', ...failing(2));
    await eventually(async () => {
      const text = await cluster.kubectl('describe', 'cbp', 'told', '-n', 'shop');
      // The conditions above the Events have the same words.
      const [, events = ''] = text.split(/^Events:/m);
      return /Normal +Programmed /.test(events) && /Warning +BreakerOpened /.test(events);
    }, 60_000);
  });

  it('stays in its namespace', async () => {
    const [here, there] = [await agent('shop'), await agent('other')];
    await cluster.apply(
      policy('shop', 'orders', { breakers: ['orders'], trip: { consecutiveFailures: 1 } }),
      policy('other', 'orders', { breakers: ['orders'], trip: { consecutiveFailures: 7 } }),
    );
    await programmed('shop', 'orders');
    await programmed('other', 'orders');
    expect((await threshold(here, 'orders'))?.trip?.consecutiveFailures).toBe(1);
    expect((await threshold(there, 'orders'))?.trip?.consecutiveFailures).toBe(7);
    await there.call('payments', ...failing(3));
    expect((await there.stats('payments')).policy).toBeUndefined();
  });
});

describe('precedence', () => {
  it('follows selector, exactness, length and age, and explain says why', async () => {
    const [web, batch] = [await agent('rank', 'app=web'), await agent('rank', 'app=batch')];
    await cluster.apply(policy('rank', 'everything', { breakers: ['*'], trip: { consecutiveFailures: 1 } }));
    await cluster.apply(policy('rank', 'prefix', { breakers: ['partner-*'], trip: { consecutiveFailures: 2 } }));
    await cluster.apply(policy('rank', 'exact', { breakers: ['partner-x'], trip: { consecutiveFailures: 3 } }));
    await cluster.apply(
      policy('rank', 'web-only', {
        selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
        breakers: ['partner-*'],
        trip: { consecutiveFailures: 4 },
      }),
    );
    for (const name of ['everything', 'prefix', 'exact', 'web-only']) await programmed('rank', name);

    const table = await Promise.all(
      ['partner-x', 'partner-y', 'else'].map(async (name) => [
        name,
        (await web.stats(name)).policy?.name,
        (await batch.stats(name)).policy?.name,
      ]),
    );
    expect(table).toEqual([
      ['partner-x', 'web-only', 'exact'],
      ['partner-y', 'web-only', 'prefix'],
      ['else', 'everything', 'everything'],
    ]);

    const text = await operator.command(
      'explain',
      'partner-x',
      '--namespace=rank',
      '--labels=app=web',
      `--server=http://127.0.0.1:${operator.adminPort}`,
    );
    expect(text).toMatch(/web-only/);
    expect(text).toMatch(/exact.*selector/s);
  });

  it('marks a policy that can never govern anything as Conflicted and names the winner', async () => {
    await cluster.apply(policy('rank', 'late', { breakers: ['partner-x'], trip: { consecutiveFailures: 9 } }));
    const accepted = await eventually(async () => condition(await get('rank', 'late'), 'Accepted') ?? false);
    expect(accepted).toMatchObject({
      status: 'False',
      reason: 'Conflicted',
      message: expect.stringContaining('exact'),
    });
  });
});

describe('an open breaker', () => {
  it.each([
    ['threshold', { trip: { consecutiveFailures: 50 } }],
    ['window', { trip: { consecutiveFailures: 3, window: { type: 'Time', duration: '2m' } } }],
    ['open time', { trip: { consecutiveFailures: 3 }, recovery: { openDuration: '20m' } }],
  ])('stays open, with its samples, when its %s is edited', async (what, edit) => {
    const name = `kept-${what.replace(' ', '-')}`;
    const before = {
      breakers: [name],
      trip: { consecutiveFailures: 3, window: { type: 'Time', duration: '1m' } },
      recovery: { openDuration: '10m' },
    };
    const one = await agent('shop');
    await cluster.apply(policy('shop', name, before));
    await programmed('shop', name);
    await one.call(name, 'ok', ...failing(3));
    const was = await one.stats(name);
    expect(was).toMatchObject({ state: 'open', window: { calls: 4, failures: 3 } });

    await cluster.apply(policy('shop', name, { ...before, ...edit }));
    await programmed('shop', name);
    const is = await one.stats(name);
    expect(is.policy?.generation).toBe(2);
    expect(is).toMatchObject({ state: 'open', window: was.window, consecutiveFailures: was.consecutiveFailures });
    expect(await one.call(name, 'ok')).toEqual(['rejected']);
    await one.end(true);
  });
});

describe('a policy that only the operator can refuse', () => {
  it('is not accepted, and agents keep the last good version, also when the operator restarts in between', async () => {
    const one = await agent('held');
    await cluster.apply(policy('held', 'big', { breakers: ['big'], trip: { consecutiveFailures: 3 } }));
    await programmed('held', 'big');

    const long = Array.from({ length: 128 }, (_, i) => `${i}`.padEnd(256, 'x'));
    const huge = { failure: { errorNames: long, errorCodes: long }, ignore: { errorNames: long } };
    await cluster.apply(policy('held', 'big', { breakers: ['big'], trip: { consecutiveFailures: 4 }, classify: huge }));
    const refused = await eventually(async () => {
      const accepted = condition(await get('held', 'big'), 'Accepted');
      return accepted?.status === 'False' && accepted;
    });
    expect(refused).toMatchObject({
      reason: 'Invalid',
      observedGeneration: 2,
      message: expect.stringMatching(/spec.*bytes/),
    });
    expect((await threshold(one, 'big'))?.trip?.consecutiveFailures).toBe(3);

    await operator.end();
    operator.launch();
    await operator.ready();
    await eventually(async () => (await one.link()).state === 'Live');
    expect((await threshold(one, 'big'))?.trip?.consecutiveFailures).toBe(3);
    expect(await cluster.kubectl('get', 'events', '-n', 'held')).toMatch(/Invalid/);

    await cluster.apply(policy('held', 'big', { breakers: ['big'], trip: { consecutiveFailures: 6 }, classify: null }));
    await programmed('held', 'big');
    expect((await threshold(one, 'big'))?.trip?.consecutiveFailures).toBe(6);
  });
});
