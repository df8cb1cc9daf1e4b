import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import { EventClient } from './event-client.ts';
import { type OperatorUrls, serving } from './local-operator.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const NODE = ['--conditions=fuseboard-source', MAIN];
const ENV = { PATH: process.env.PATH };

const good =
  'apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: pay }\nspec: { breakers: ["pay*"] }\n';
const bad = good
  .replace('["pay*"]', '["pay*"]\n  , trip: { window: { type: Count },\n    failureCount: 3 }')
  .replace('pay }', 'bad }');

let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  await mkdir(join(folder, 'p'));
  await writeFile(join(folder, 'p/good.yaml'), good);
});

afterEach(async () => {
  child?.kill('SIGKILL');
  child = undefined;
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => runWith('', ...args);

function runWith(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...NODE, ...args], {
    encoding: 'utf8',
    input,
    cwd: folder,
    env: { ...ENV, HOME: folder },
  });
  return { status, stdout, stderr };
}

interface Served {
  readonly url: OperatorUrls;
  readonly exit: Promise<number | null>;
}

async function serve(env: Record<string, string> = {}): Promise<Served> {
  const ports = ['--port', '0', '--metrics-port', '0', '--admin-port', '0'];
  const started = spawn(process.execPath, [...NODE, 'serve', ...ports], {
    cwd: folder,
    env: { ...ENV, FUSEBOARD_POLICIES: 'p', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  const exit = new Promise<number | null>((resolve) => started.on('exit', resolve));
  return { url: await serving(started), exit };
}

it('names the version of Node that it needs where that is older', () => {
  const older = 'data:text/javascript,import module from "node:module"; delete module.enableCompileCache;';
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', older, ...NODE, '--version'], {
    encoding: 'utf8',
    env: ENV,
  });
  expect({ status, stdout, stderr }).toEqual({
    ...{ status: 3, stdout: '' },
    stderr: `fuseboard: needs Node 22.19 or later, and this is ${process.versions.node}\n`,
  });
});

describe('validate', () => {
  it('says that all is well with 0', () => {
    expect(run('validate', 'p')).toEqual({ status: 0, stdout: '1 policy in 1 file, 0 problems\n', stderr: '' });
  });

  it('names file, line and field of every problem, and ends with 1', async () => {
    await writeFile(join(folder, 'p/bad.yaml'), bad);
    await writeFile(join(folder, 'p/broken.yaml'), 'a: [\n');
    await writeFile(join(folder, 'p/twice.yaml'), good);
    const { status, stdout } = run('validate', 'p');
    expect(status).toBe(1);
    expect(stdout).toContain('p/bad.yaml:5: spec.trip.window.size: size is required with type Count');
    expect(stdout).toMatch(/^p\/broken\.yaml:2: /m);
    expect(stdout).toContain('p/twice.yaml:3: metadata.name: policy default/pay is already in p/good.yaml; remove one');
    expect(stdout).toMatch(/^3 policies in 4 files, 3 problems$/m);
  });

  it('prints JSON for a program', async () => {
    await writeFile(join(folder, 'p/bad.yaml'), bad);
    const { status, stdout } = run('validate', 'p', '-o', 'json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ policies: 2, problems: [{ file: 'p/bad.yaml', line: 5 }] });
  });

  it('ends with 3 when a file is not there and 2 when none is given', () => {
    expect(run('validate', 'none.yaml')).toMatchObject({ status: 3, stderr: /.*/ });
    expect(run('validate', 'none.yaml').stderr).toMatch(
      /^fuseboard: cannot read none\.yaml: there is no such file or folder\n$/,
    );
    expect(run('validate').status).toBe(2);
  });
});

describe('policy files', () => {
  it.each(['validate', 'lint'])(
    'are read in the folders below by %s, and not where names begin with a dot',
    async (command) => {
      await mkdir(join(folder, 'p/a/b'), { recursive: true });
      await mkdir(join(folder, 'p/.git'));
      await writeFile(join(folder, 'p/a/b/deep.yaml'), good.replace('pay }', 'deep }'));
      await writeFile(join(folder, 'p/.git/hidden.yaml'), 'a: [\n');
      await symlink('..', join(folder, 'p/a/loop.yaml'));
      expect(run(command, 'p').stdout).toMatch(/^2 policies in 2 files, /m);
    },
  );

  it.each(['validate', 'lint'])('that hold no policy are an error of %s', async (command) => {
    await mkdir(join(folder, 'none'));
    expect(run(command, 'none')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'fuseboard: there is no .yaml, .yml or .json file in none; name a file or another folder\n',
    });
    await writeFile(join(folder, 'none/other.yaml'), 'apiVersion: v1\nkind: Secret\n');
    expect(run(command, 'none')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'fuseboard: there is no policy in none (1 file, 1 object of other kinds passed over); name a file that holds one\n',
    });
  });

  it('come from standard input, other kinds beside them passed over', () => {
    const input = `apiVersion: v1\nkind: Service\n---\n${good}`;
    expect(runWith(input, 'validate', '-')).toEqual({
      status: 0,
      stdout: '1 policy in 1 file, 0 problems, 1 object of other kinds passed over\n',
      stderr: '',
    });
    expect(runWith(bad, 'validate', '-').stdout).toContain('<stdin>:5: spec.trip.window.size: ');
    expect(runWith(good, 'lint', '-').stdout).toMatch(/^1 policy in 1 file, /m);
    expect(runWith(good, 'explain', 'payments', '--policies', '-').stdout).toContain('policy "pay" governs "payments"');
  });

  it('may be named by a pattern that no shell has expanded', () => {
    expect(run('validate', 'p/*.yaml')).toMatchObject({ status: 0, stdout: '1 policy in 1 file, 0 problems\n' });
    expect(run('validate', 'p/*.yml')).toMatchObject({
      status: 3,
      stderr: 'fuseboard: no file matches p/*.yml\n',
    });
  });
});

it('ends quietly when whoever read its output has gone', async () => {
  const many = Array.from({ length: 2_000 }, (_, i) => good.replace('["pay*"]', '[]').replace('pay }', `p${i} }`));
  await writeFile(join(folder, 'many.yaml'), many.join('---\n'));
  const line = `"$0" "$@" | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-c', line, process.execPath, ...NODE, 'validate', 'many.yaml'],
    {
      encoding: 'utf8',
      cwd: folder,
      env: ENV,
    },
  );
  expect(stdout).toMatch(/^many\.yaml:\d+: spec\.breakers: .*\n141\n$/);
  expect(stderr).toBe('');
});

describe('explain', () => {
  it('tells from a folder who governs, and ends with 1 when nobody does', () => {
    const found = run('explain', 'payments', '--policies', 'p');
    expect(found.status).toBe(0);
    expect(found.stdout).toBe(
      'policy "pay" governs "payments" on an agent in namespace "default" without labels\n' +
        '  * pay: matches by the prefix "pay*", and it takes every agent; no other policy does\n',
    );
    const nobody = run('explain', 'search', '--policies', 'p', '-n', 'shop', '-l', 'app=x');
    expect(nobody.status).toBe(1);
    expect(nobody.stdout).toBe(
      'no policy governs "search" on an agent in namespace "shop" with app=x; the defaults of the code apply\n' +
        'note: there is no policy in namespace "shop"\n',
    );
  });

  it('says in one line what is wrong with the question', () => {
    expect(run('explain', 'a')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('fuseboard: there is no kubeconfig; give --kubeconfig FILE'),
    });
    expect(run('explain', 'a', '--policies', 'p', '-l', 'x').stderr).toBe(
      'fuseboard: --labels: "x" is not of the form key=value\n',
    );
    const unreachable = run('explain', 'a', '--server', 'http://127.0.0.1:1');
    expect(unreachable.status).toBe(3);
    expect(unreachable.stderr).toMatch(/^fuseboard: cannot reach the operator at http:\/\/127\.0\.0\.1:1: .*\n$/);
  });
});

describe('serve', () => {
  it('pushes, answers explain, and ends with 0 after SIGTERM', async () => {
    const { url, exit } = await serve();
    const client = await EventClient.open(`${url.agents}/v1/stream?service=s&instance=i&boot=${'a'.repeat(32)}`);
    await client.until(({ event }) => event === 'commit');
    expect(run('explain', 'payments', '--server', url.admin)).toMatchObject({ status: 0 });
    child!.kill('SIGTERM');
    await client.until(({ event }) => event === 'goaway');
    expect(await exit).toBe(0);
  });

  it('knows agents by a file of tokens, on any address, and keeps the admin API on loopback', async () => {
    await writeFile(join(folder, 'tokens'), '0123456789abcdef shop\n');
    await writeFile(join(folder, 'p/shop.yaml'), good.replace('name: pay', 'name: pay, namespace: shop'));
    const { url } = await serve({ FUSEBOARD_AGENT_TOKENS: 'tokens', FUSEBOARD_HOST: '0.0.0.0' });
    expect([new URL(url.agents).hostname, new URL(url.admin).hostname]).toEqual(['0.0.0.0', '127.0.0.1']);
    const openStream = (headers: Record<string, string>) =>
      EventClient.open(
        `http://127.0.0.1:${new URL(url.agents).port}/v1/stream?service=s&instance=i&boot=${'a'.repeat(32)}&namespace=default`,
        headers,
      );
    expect((await openStream({})).status).toBe(401);
    const client = await openStream({ authorization: 'Bearer 0123456789abcdef' });
    await client.until(({ event }) => event === 'commit');
    const { items } = (await (await fetch(`${url.admin}/v1/agents`)).json()) as { items: object[] };
    expect(items).toMatchObject([{ namespace: 'shop' }]);
    client.close();
  });

  it('says what the code of an agent limits, at the agent and at its policy', async () => {
    const { url } = await serve();
    const whole = { protocol: 1, service: 's', instance: 'i', boot: 'a'.repeat(32), part: 1, parts: 1, rejections: [] };
    const client = await EventClient.open(`${url.agents}/v1/stream?service=s&instance=i&boot=${whole.boot}`);
    const { uid } = (await client.until(({ event }) => event === 'policy')).data as { uid: string };
    const { id: revision } = await client.until(({ event }) => event === 'commit');
    const guarded = [
      { uid, by: 'maxOpenDuration', limit: '1m' },
      { uid, by: 'red\u001b[31m' },
    ];
    const { status } = await fetch(`${url.agents}/v1/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...whole, sequence: 1, revision, breakers: [], guarded }),
    });
    expect(status).toBe(204);
    const described = run('describe', 'agent', 'i', '--server', url.admin).stdout;
    expect(described).toMatch(/^Runs: +what it should, within limits of its code$/m);
    expect(described).toMatch(/^Guard: +limits policy "pay": maxOpenDuration 1m, red\\u001b\[31m$/m);
    await until(() =>
      /; 1 within limits of their code$/m.test(run('describe', 'policy', 'pay', '--server', url.admin).stdout),
    );
    expect(run('status', '--server', url.admin).stdout).toContain('1/1 applied, 1 of them within limits of their code');
    client.close();
  });

  it('answers for all policies though the specs of two cannot be used', async () => {
    await writeFile(join(folder, 'p/number.yaml'), good.replace('name: pay', 'name: number').replace('["pay*"]', '3'));
    await writeFile(join(folder, 'p/nothing.yaml'), good.replace('name: pay', 'name: nothing').replace(/^spec.*/m, ''));
    const { url } = await serve();
    const whole = { protocol: 1, service: 's', instance: 'i', boot: 'a'.repeat(32), part: 1, parts: 1, rejections: [] };
    const library = 'language=python&version=0.1.0&runtime=3.12.1%0A';
    const query = `service=s&instance=i&boot=${whole.boot}&${library}`;
    const client = await EventClient.open(`${url.agents}/v1/stream?${query}`);
    const { id: revision } = await client.until(({ event }) => event === 'commit');
    const breakers = [{ name: 'payments', state: 'closed', since: 0, totals: NO_TOTALS }];
    const { status } = await fetch(`${url.agents}/v1/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...whole, sequence: 1, revision, breakers }),
    });
    expect(status).toBe(204);
    const ask = (...args: string[]) => run(...args, '--server', url.admin);
    const described = ask('describe', 'agent', 'i').stdout;
    expect(described).toContain('  payments: closed; policy "pay": matches by the prefix "pay*"');
    expect(described).toMatch(/^Library: +python 0\.1\.0 on 3\.12\.1\\u000a$/m);
    const [title, row] = ask('get', 'agents', '-o', 'wide')
      .stdout.split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(title!.slice(1, 5).map((text) => text.toLowerCase())).toEqual([
      'instance',
      'language',
      'version',
      'runtime',
    ]);
    expect(row!.slice(1, 5)).toEqual(['i', 'python', '0.1.0', '3.12.1\\u000a']);
    expect(ask('explain', 'payments')).toMatchObject({ status: 0, stderr: '' });
    expect(ask('describe', 'policy', 'nothing')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Accepted     False     Invalid'),
    });
    await writeFile(join(folder, 'fixed.yaml'), good.replace('name: pay', 'name: nothing').replace('pay*', 'payments'));
    expect(ask('diff', 'fixed.yaml')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('payments: "pay" -> "nothing" on 1 agent (s 1)'),
    });
    client.close();
  });

  it('ends with 0 after SIGTERM while it starts', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => {})));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      const cluster = {
        name: 'silent',
        cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
      };
      const context = { name: 'silent', context: { cluster: 'silent', user: 'nobody' } };
      const config = {
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'silent' },
        ...{ clusters: [cluster], contexts: [context], users: [{ name: 'nobody', user: {} }] },
      };
      await writeFile(join(folder, 'silent'), JSON.stringify(config));
      const flags = ['--kubeconfig', 'silent', '--port', '0', '--metrics-port', '0', '--admin-port', '0'];
      const stdio = ['ignore', 'ignore', 'inherit'] as const;
      child = spawn(process.execPath, [...NODE, 'serve', ...flags], { cwd: folder, env: ENV, stdio: [...stdio] });
      const exit = once(child, 'exit');
      await until(() => sockets.length > 0);
      child.kill('SIGTERM');
      expect(await exit).toEqual([0, null]);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('ends at once at a second signal, whoever is still connected', async () => {
    const { url, exit } = await serve();
    const client = await EventClient.open(`${url.agents}/v1/stream?service=s&instance=i&boot=${'a'.repeat(32)}`);
    await client.until(({ event }) => event === 'commit');
    const stuck = fetch(`${url.agents}/v1/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new ReadableStream({ pull: () => new Promise(() => {}) }),
      duplex: 'half',
    } as RequestInit).catch(() => 'cut');
    await until(async () => ((await (await fetch(`${url.admin}/v1/agents`)).json()) as { total: number }).total === 1);
    child!.kill('SIGTERM');
    await client.untilEnd();
    child!.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(await stuck).toBe('cut');
  });

  it.each<[string, string[], number, RegExp]>([
    [
      'a folder that is missing',
      ['--policies', 'none'],
      3,
      /^fuseboard: --policies: cannot read none: there is no such file or folder; create the folder or name another\n$/,
    ],
    ['a file for a folder', ['--policies', 'p/good.yaml'], 3, /is not a folder; name one\n$/],
    ['nowhere to read from', [], 2, /give --policies DIR or --kubeconfig FILE\n$/],
    [
      'a kubeconfig that is missing',
      ['--kubeconfig', 'none'],
      2,
      /^fuseboard: --kubeconfig: cannot read none: there is no such file or folder; name another file\n$/,
    ],
    ['an unknown flag', ['--nope'], 2, /unknown option '--nope'/],
    [
      'a token file with a mistake',
      ['--policies', 'p', '--agent-tokens', 'p/good.yaml'],
      3,
      /^fuseboard: --agent-tokens: p\/good\.yaml:1: a token needs at least 16 characters\n$/,
    ],
    [
      'a certificate that is missing',
      ['--policies', 'p', '--tls-cert-file', 'none', '--tls-key-file', 'none'],
      3,
      /^fuseboard: --tls-cert-file: cannot read none: there is no such file or folder; name another file\n$/,
    ],
    ['an address for all the world', ['--policies', 'p', '--host', '0.0.0.0'], 2, /loopback only/],
  ])('refuses %s in a line that says what to do', (_what, args, status, message) => {
    const found = run('serve', ...args);
    expect(found.stderr).toMatch(message);
    expect(found.status).toBe(status);
  });

  it('says which port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { status, stderr } = run(
      'serve',
      '--policies',
      'p',
      '--port',
      `${port}`,
      '--metrics-port',
      '0',
      '--admin-port',
      '0',
    );
    taken.close();
    expect(status).toBe(3);
    expect(stderr).toBe(
      `fuseboard: cannot listen for agents: port ${port} on 127.0.0.1 is taken; end what uses it or choose another with --port\n`,
    );
  });
});

it('has every flag of serve in the readme as --help tells it', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const { stdout, status } = run('serve', '--help');
  expect(status).toBe(0);
  const told = stdout.replace(/\s+/g, ' ');
  const flags = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag!);
  const rows = [...readme.matchAll(/^\| `(--[a-z-]+)[^|]*` \| (.+) \|$/gm)];
  expect(rows.map(([, flag]) => flag)).toEqual(flags);
  for (const [, , text] of rows) expect(told).toContain(text!.replace(/\)$/, ''));
});
