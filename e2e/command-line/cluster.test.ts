import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientCertificate } from '../cluster/client-certificate.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { findKubectl } from '../cluster/kubectl.ts';
import { type Kubelet, startKubelet } from '../cluster/kubelet.ts';
import { policy } from '../cluster/policy.ts';
import { type CommandError, eventually, run } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import { MAIN, NODE_FLAGS, OperatorProcess } from '../processes/operator.ts';

let cluster: Cluster;
let kubelet: Kubelet;
let operator: OperatorProcess;
let agent: AgentProcess;
let user: string;
/** The folder of an authority that the API server accepts users of, and of a user's certificate. */
let people: string;

const payments = (failures: number) =>
  JSON.stringify(
    policy('shop', 'payments', {
      breakers: ['payments'],
      trip: { consecutiveFailures: failures },
      timeout: { duration: '2s' },
      recovery: { openDuration: '1s' },
    }),
  );

/** Runs the command line with the kubeconfig of a user; resolves with the code and what it printed. */
async function fuseboard(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  try {
    return { code: 0, out: await operator.command(...args, '--kubeconfig', user), err: '' };
  } catch (error) {
    const { code, stdout, stderr } = error as CommandError;
    return { code: code ?? -1, out: stdout, err: stderr };
  }
}

/** Writes a file into the folder of the cluster; returns its path. */
async function fileOf(text: string): Promise<string> {
  const path = join(cluster.folder, `${randomUUID()}.yaml`);
  await writeFile(path, text);
  return path;
}

beforeAll(async () => {
  people = await mkdtemp(join(tmpdir(), 'fuseboard-people-'));
  await clientCertificate(people, 'jane');
  cluster = await startCluster({ clientAuthority: join(people, 'ca.crt') });
  await cluster.applyCrds();
  await cluster.namespace('shop');
  operator = await OperatorProcess.start('--kubeconfig', cluster.kubeconfig);
  await cluster.namespace('fuseboard-system');
  kubelet = await startKubelet(cluster, 'here');
  const labels = { 'fuseboard.dev/component': 'operator' };
  await kubelet.run('fuseboard-system', 'fuseboard-0', labels, new Map([[8081, operator.adminPort]]));
  const rules = [
    { apiGroups: ['fuseboard.dev'], resources: ['*'], verbs: ['*'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
    { apiGroups: ['apps'], resources: ['controllerrevisions'], verbs: ['list'] },
    { apiGroups: [''], resources: ['pods/portforward'], verbs: ['get', 'create'] },
  ];
  user = (await cluster.serviceAccount('people', 'ann', rules, { everywhere: true })).kubeconfig;
  await cluster.kubectl('apply', '-f', '-', { input: payments(3) });
  agent = await AgentProcess.start({
    FUSEBOARD_URL: operator.url,
    FUSEBOARD_NAMESPACE: 'shop',
    FUSEBOARD_SERVICE: 'checkout',
  });
  await agent.call('payments', 'ok');
  await cluster.kubectl('wait', '--for=condition=Programmed', '-n', 'shop', 'cbp/payments', '--timeout=60s');
}, 180_000);

afterAll(async () => {
  await agent?.end();
  await operator?.end();
  await kubelet?.stop();
  await cluster?.stop();
  await rm(people, { recursive: true, force: true });
});

describe('the command line and a cluster', () => {
  it('says whether all is well', async () => {
    const { code, out } = await fuseboard('status', '-A');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^cluster "test", all namespaces\npolicies {3}1 programmed\nagents {5}1 connected\nrollouts {3}1\/1 applied /,
    );
  });

  it('reaches the operator through a forwarded port', async () => {
    const { code, out } = await fuseboard('get', 'agents', '-n', 'shop', '-o', 'json');
    expect(code).toBe(0);
    const { items } = JSON.parse(out);
    expect(items).toMatchObject([{ namespace: 'shop', state: 'live', breakers: [{ name: 'payments' }] }]);
    expect(items).toMatchObject([{ language: 'node', version: '0.1.0', runtime: process.versions.node }]);
  });

  it('says what a file would change and who is affected', async () => {
    const { code, out } = await fuseboard('diff', await fileOf(payments(5)));
    expect(code).toBe(1);
    expect(out).toContain('-  consecutiveFailures: 3\n+  consecutiveFailures: 5\n');
    expect(out).toContain('payments: new version of "payments" on 1 agent');
    expect(await fuseboard('diff', await fileOf(payments(3)))).toMatchObject({
      code: 0,
      out: 'nothing would change\n',
    });
  });

  it('says what it did not find and what is near', async () => {
    const { code, err } = await fuseboard('get', 'policies', 'paymets', '-n', 'shop');
    expect(code).toBe(1);
    expect(err).toBe('fuseboard: there is no policy "paymets" in namespace "shop"; did you mean "payments"?\n');
  });

  it('explains in a namespace of the cluster', async () => {
    const { code, out } = await fuseboard('explain', 'payments', '-n', 'shop');
    expect(code).toBe(0);
    expect(out).toContain('policy "payments" governs "payments"');
  });
});

describe('acting on breakers', () => {
  it('forces a breaker open in the processes, says which agents apply it, and ends it early', async () => {
    const { code, out } = await fuseboard('force-open', 'payments', '-n', 'shop', '--reason', 'the partner asked');
    expect(out).toMatch(/^override shop\/payments-[\w-]+: ForceOpen of payments for \S+\n/);
    expect(out).toContain('applied by 1/1 agents\n');
    expect(code).toBe(0);
    expect(await agent.call('payments', 'ok')).toEqual(['rejected']);
    const listed = await fuseboard('overrides', '-n', 'shop');
    expect(listed.out).toMatch(/payments +ForceOpen +Active +1\/1 +in \d+[sm] +.* +the partner asked\n/);
    const name = /override shop\/(\S+):/.exec(out)![1]!;
    expect((await fuseboard('overrides', 'end', `${name}x`, '-n', 'shop')).err).toContain(`did you mean "${name}"?`);
    expect((await fuseboard('overrides', 'end', name, '-n', 'shop')).code).toBe(0);
    await eventually(async () => (await agent.call('payments', 'ok'))[0] === 'passed');
  });

  it('says what the API server refuses', async () => {
    const act = ['force-open', 'payments', '-n', 'shop', '--reason', 'x'];
    const refused = await fuseboard(...act, '--for', '0s');
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--for: "0s" is not a time') });
    const viewer = (await cluster.serviceAccount('people', 'viewer', [], { everywhere: true })).kubeconfig;
    await expect(operator.command(...act, '--kubeconfig', viewer)).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /^fuseboard: cluster "test" refused: .*cannot create resource "circuitbreakeroverrides"/m,
      ),
    });
  });

  it('shows breakers, and the transitions of one as they happen', async () => {
    const watch = spawn(process.execPath, [
      ...NODE_FLAGS,
      MAIN,
      'watch',
      '-n',
      'shop',
      '-o',
      'json',
      '--kubeconfig',
      user,
    ]);
    let seen = '';
    let said = '';
    watch.stdout!.setEncoding('utf8').on('data', (text: string) => (seen += text));
    watch.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    try {
      // The watch has begun once a transition is seen; until then each round makes a new one.
      await eventually(async () => {
        await agent.call('payments', 'fail', 'fail', 'fail');
        await agent.call('payments', 'ok');
        if (watch.exitCode !== null) throw new Error(`watch ended with ${watch.exitCode}: ${said}`);
        return seen.includes('"to":"open"');
      }, 90_000);
      const [first] = seen.split('\n');
      expect(JSON.parse(first!)).toMatchObject({ namespace: 'shop', breaker: 'payments', policy: 'payments' });
    } finally {
      watch.kill('SIGKILL');
    }
    const top = await fuseboard('top', '-n', 'shop', '--once');
    expect(top.out).toMatch(/^cluster "test": 1 breaker, \d open\nBREAKER +POLICY +STATE/);
    const described = await fuseboard('describe', 'breaker', 'payments', '-n', 'shop');
    expect(described.out).toMatch(/State: +(open|half-open|closed) for \d+s\n/);
    expect(described.out).toMatch(/closed -> open on .*: \S+\n/);
    const whole = await fuseboard('describe', 'policy', 'payments', '-n', 'shop');
    expect(whole.out).toMatch(/Programmed +True/);
  }, 150_000);

  it('rolls a policy back in running processes, also after the operator was started again', async () => {
    const threshold = async () =>
      (await agent.stats('payments')).policy!.spec as { trip?: { consecutiveFailures: number } };
    await cluster.kubectl('apply', '-f', '-', { input: payments(7) });
    await eventually(async () => (await threshold()).trip?.consecutiveFailures === 7);
    await eventually(async () => {
      const { out } = await fuseboard('history', 'payments', '-n', 'shop', '-o', 'json');
      return JSON.parse(out).items.length === 2;
    }, 60_000);
    await operator.end();
    operator.launch();
    await operator.ready();
    const { out } = await fuseboard('history', 'payments', '-n', 'shop');
    expect(out).toMatch(/^REVISION +RECORDED +CHANGED\n2 \(now\) .*trip.consecutiveFailures: 3 -> 7\n1 /);
    const missing = await fuseboard('rollback', 'payments', '-n', 'shop', '--to', '9');
    expect(missing).toMatchObject({ code: 1, err: 'fuseboard: policy "payments" has no revision 9; it has 2, 1\n' });
    const back = await fuseboard('rollback', 'payments', '-n', 'shop');
    expect(back.out).toBe('policy shop/payments has the spec of revision 1 again: trip.consecutiveFailures: 7 -> 3\n');
    await eventually(async () => (await threshold()).trip?.consecutiveFailures === 3, 60_000);
  }, 180_000);

  it('is a plugin of kubectl', async () => {
    const plugin = join(cluster.folder, 'kubectl-fuseboard');
    await writeFile(plugin, `#!/bin/sh\nexec "${process.execPath}" ${NODE_FLAGS.join(' ')} "${MAIN}" "$@"\n`, {
      mode: 0o755,
    });
    const env = { PATH: `${cluster.folder}:${process.env.PATH}`, KUBECONFIG: user };
    const out = await run(await findKubectl(() => {}), ['fuseboard', 'get', 'policies', '-n', 'shop'], { env });
    expect(out).toMatch(/^NAME +BREAKERS/);
  });
});

describe('the page of a cluster', () => {
  let ui: ChildProcess;
  let address: URL;

  beforeAll(async () => {
    ui = spawn(process.execPath, [...NODE_FLAGS, MAIN, 'ui', '--no-open', '--kubeconfig', user]);
    let text = '';
    ui.stdout!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    address = await eventually(() => new URL(/http:\S+/.exec(text)![0]), 60_000);
  }, 90_000);

  afterAll(() => {
    ui.kill('SIGKILL');
  });

  it('passes requests on for who has the address of this run, and for nobody else', async () => {
    const { origin } = address;
    const first = await fetch(address, { redirect: 'manual' });
    expect(first.status).toBe(303);
    const cookie = first.headers.get('set-cookie')!;
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    const session = cookie.split(';')[0]!;
    const seen = await fetch(`${origin}/v1/policies`, { headers: { cookie: session } });
    expect(await seen.json()).toMatchObject({ items: [{ name: 'payments' }] });
    expect((await fetch(`${origin}/v1/policies`)).status).toBe(403);
    expect((await fetch(`${origin}/?session=wrong`, { redirect: 'manual' })).status).toBe(403);
    const foreign = { cookie: session, origin: 'http://evil.example' };
    expect((await fetch(`${origin}/v1/policies`, { headers: foreign })).status).toBe(403);
  });
});

describe('the command line of a user with a client certificate', () => {
  const RULES = [
    { apiGroups: ['fuseboard.dev'], resources: ['*'], verbs: ['*'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['pods/portforward', 'serviceaccounts/token'], verbs: ['get', 'create'] },
  ];
  let certified: string;

  beforeAll(async () => {
    const data = async (name: string) => (await readFile(join(people, name))).toString('base64');
    const keys = [`client-certificate-data: ${await data('jane.crt')}`, `client-key-data: ${await data('jane.key')}`];
    certified = await fileOf((await readFile(user, 'utf8')).replace(/token: .*/, keys.join('\n      ')));
    const named = { metadata: { name: 'jane' }, apiVersion: 'rbac.authorization.k8s.io/v1' };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'jane' };
    const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }];
    const items = [
      { ...named, kind: 'ClusterRole', rules: RULES },
      { ...named, kind: 'ClusterRoleBinding', roleRef, subjects },
    ];
    await cluster.kubectl('apply', '-f', '-', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  });

  const asJane = (...args: string[]) => operator.command(...args, '--kubeconfig', certified);

  it('is refused in one line where the chart has created no reader', async () => {
    await expect(asJane('get', 'breakers', '-n', 'shop')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^fuseboard: user "test" of the kubeconfig has no token, .*there is no ServiceAccount "default-reader" in namespace "fuseboard-system" to read with: set reader\.create/,
      ),
    });
  });

  it('reads with a token of the reader, and acts as the user', async () => {
    const rules = [{ apiGroups: ['fuseboard.dev'], resources: ['*'], verbs: ['get', 'list', 'watch'] }];
    await cluster.serviceAccount('fuseboard-system', 'default-reader', rules, { everywhere: true });
    const breakers = JSON.parse(await asJane('get', 'breakers', '-n', 'shop', '-o', 'json'));
    expect(breakers.items).toMatchObject([{ breaker: 'payments' }]);
    expect(await asJane('status', '-A')).toContain('1 connected');
    const made = JSON.parse(await asJane('reset', 'payments', '-n', 'shop', '--reason', 'a certificate', '-o', 'json'));
    expect(made).toMatchObject({ namespace: 'shop', spec: { action: 'Reset' } });
    await asJane('overrides', 'end', made.name, '-n', 'shop');
  });
});
