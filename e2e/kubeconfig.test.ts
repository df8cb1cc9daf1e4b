import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KubeConfig } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { KubeClient } from '../operator/src/kube/api/client.ts';
import { userKubeConfig } from '../operator/src/kube/api/config.ts';
import { clientCertificate } from './cluster/client-certificate.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { OperatorProcess } from './processes/operator.ts';

let cluster: Cluster;
let folder: string;
let authority: string;

interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
}

/** Who asks, as the API server knows the sender. */
async function review(config: KubeConfig): Promise<UserInfo> {
  const answer = await new KubeClient(config).request<{ status: { userInfo: UserInfo } }>(
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    { method: 'POST', body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } },
  );
  return answer.status.userInfo;
}

const who = async (env: NodeJS.ProcessEnv) => (await review(userKubeConfig({}, env))).username;

interface Variant {
  readonly cluster?: object;
  readonly user?: object;
}

let written = 0;
async function kubeconfig({ cluster: more = {}, user }: Variant, name = 'c', current = name): Promise<string> {
  written += 1;
  const path = join(folder, `config-${written}.yaml`);
  const server = { server: cluster.url, 'certificate-authority-data': authority, ...more };
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', ...(current !== '' && { 'current-context': current }) },
    clusters: [{ name, cluster: server }],
    users: [{ name, user: user ?? { token: cluster.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  await writeFile(path, stringify(config));
  return path;
}

const asked = async (variant: Variant) => who({ KUBECONFIG: await kubeconfig(variant) });
const plugin = (command: string) => ({
  user: {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never', installHint: 'get it' },
  },
});

async function script(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A plugin whose credential has expired at once, so that it runs again for every request. */
const LONG_AGO = '2020-01-01T00:00:00Z';

const credential = (status: object) =>
  `cat <<'END'\n${JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status })}\nEND`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-kubeconfig-'));
  await clientCertificate(folder, 'jane');
  cluster = await startCluster({ clientAuthority: join(folder, 'ca.crt') });
  const { clusters } = userKubeConfig({ kubeconfig: cluster.kubeconfig }, {});
  authority = clusters[0]!.caData!;
}, 300_000);

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a user of a kubeconfig', () => {
  it('is known by a token, in the file or in one of its own, named from the folder of the kubeconfig', async () => {
    await mkdir(join(folder, 'sub'), { recursive: true });
    await writeFile(join(folder, 'sub/token'), `${cluster.token}\n`);
    expect(await asked({})).toBe('admin');
    expect(await asked({ user: { tokenFile: 'sub/token' } })).toBe('admin');
    expect(await asked({ user: { tokenFile: join(folder, 'sub/token') } })).toBe('admin');
  });

  it('is known by a client certificate, in the file or in files of its own', async () => {
    expect(await asked({ user: { 'client-certificate': 'jane.crt', 'client-key': 'jane.key' } })).toBe('jane');
    const data = async (name: string) => (await readFile(join(folder, name))).toString('base64');
    const user = { 'client-certificate-data': await data('jane.crt'), 'client-key-data': await data('jane.key') };
    expect(await asked({ user })).toBe('jane');
  });

  it('is known by what a plugin prints, whatever it warns of', async () => {
    const answer = credential({ token: cluster.token });
    expect(await asked(plugin(await script('plugin.sh', answer)))).toBe('admin');
    expect(await asked(plugin('./plugin.sh'))).toBe('admin');
    expect(await asked(plugin(await script('warns.sh', `echo "group-readable" >&2\n${answer}`)))).toBe('admin');
    const [clientCertificateData, clientKeyData] = await Promise.all(
      ['jane.crt', 'jane.key'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    const certificate = credential({ clientCertificateData, clientKeyData });
    expect(await asked(plugin(await script('certificate.sh', certificate)))).toBe('jane');
  });

  it.each<[string, string | undefined, RegExp]>([
    ['fails', 'echo "login expired" >&2; exit 1', /credential plugin .*login expired/s],
    ['prints no JSON', 'echo "oops"', /credential plugin .*JSON/s],
    ['prints no credential', 'echo "{}"', /credential plugin .*no credential/s],
    ['is not installed', undefined, /credential plugin .*not found.*get it/s],
  ])('is told what is wrong with a plugin that %s', async (_what, text, message) => {
    const command = text === undefined ? 'no-such-plugin' : await script('wrong.sh', text);
    await expect(asked(plugin(command))).rejects.toThrow(message);
  });

  it('is asked to log in again by a plugin, and known once that is done', async () => {
    const expired = join(folder, 'expired');
    const login = `if [ -e ${expired} ]; then echo "login expired" >&2; exit 1; fi`;
    const answer = credential({ token: cluster.token, expirationTimestamp: LONG_AGO });
    const config = await kubeconfig(plugin(await script('flaky.sh', `${login}\n${answer}`)));
    await cluster.applyCrds();
    const operator = await OperatorProcess.start(`--kubeconfig=${config}`);
    const apply = (name: string) => cluster.apply(policy('default', name, { breakers: [name] }));
    const accepted = (name: string) =>
      cluster.kubectl('wait', '--for=condition=Accepted', `cbp/${name}`, '--timeout=60s');
    try {
      await apply('before');
      await accepted('before');
      await writeFile(expired, '');
      await apply('meanwhile');
      await eventually(() => /credential plugin .*flaky\.sh.* failed.*login expired/.test(operator.log), 30_000);
      expect(operator.ended).toBe(false);
      await rm(expired);
      await accepted('meanwhile');
    } finally {
      await operator.end();
    }
  }, 180_000);

  it('with a name and a password is nobody to the API server', async () => {
    await expect(asked({ user: { username: 'a', password: 'b' } })).rejects.toThrow(/system:anonymous/);
  });

  it('is whom it acts as', async () => {
    expect(await asked({ user: { token: cluster.token, as: 'viewer' } })).toBe('viewer');
    const groups = { as: 'viewer', 'as-groups': ['few', 'nobody'] };
    const config = userKubeConfig({ kubeconfig: await kubeconfig({ user: { token: cluster.token, ...groups } }) }, {});
    expect((await review(config)).groups).toEqual(expect.arrayContaining(['few', 'nobody']));
  });
});

describe('a cluster of a kubeconfig', () => {
  it('is trusted by its authority alone, unless that is skipped', async () => {
    const none = { 'certificate-authority-data': undefined };
    await expect(asked({ cluster: none })).rejects.toThrow(/certificate/);
    expect(await asked({ cluster: { ...none, 'insecure-skip-tls-verify': true } })).toBe('admin');
  });

  it('has the name that tls-server-name says', async () => {
    expect(await asked({ cluster: { 'tls-server-name': 'kubernetes.default' } })).toBe('admin');
    await expect(asked({ cluster: { 'tls-server-name': 'wrong.example' } })).rejects.toThrow(/wrong\.example/);
  });

  it('may have a path that ends with a slash', async () => {
    expect(await asked({ cluster: { server: `${cluster.url}/` } })).toBe('admin');
  });

  it('has an IPv6 address, and the name that tls-server-name says, unless no name is checked', async () => {
    const way = await startIpv6Way();
    try {
      const name = { 'tls-server-name': 'kubernetes.default.svc' };
      expect(await asked({ cluster: { server: way.url, ...name } })).toBe('admin');
      const unchecked = { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
      expect(await asked({ cluster: { server: way.url, ...unchecked } })).toBe('admin');
      await expect(asked({ cluster: { server: way.url } })).rejects.toThrow(/::1/);
    } finally {
      way.server.close();
    }
  });

  it('is reached through the proxy of proxy-url, or of the environment', async () => {
    const proxy = await startHttpProxy();
    try {
      expect(await asked({ cluster: { 'proxy-url': proxy.url } })).toBe('admin');
      expect(proxy.count()).toBe(1);
      // kubectl and we go to loopback without a proxy; this proxy leads every name to loopback.
      const server = cluster.url.replace('127.0.0.1', 'api.example');
      const KUBECONFIG = await kubeconfig({ cluster: { server, 'tls-server-name': 'kubernetes.default' } });
      expect(await who({ KUBECONFIG, HTTPS_PROXY: proxy.url })).toBe('admin');
      expect(proxy.count()).toBe(2);
    } finally {
      proxy.server.close();
    }
  });

  it('is reached through a SOCKS proxy', async () => {
    const proxy = await startSocksProxy();
    try {
      expect(await asked({ cluster: { 'proxy-url': proxy.url } })).toBe('admin');
      expect(proxy.count()).toBe(1);
    } finally {
      proxy.server.close();
    }
  });
});

describe('several files in KUBECONFIG', () => {
  it('are one, of which the first with a name counts, and files that are missing are passed over', async () => {
    const first = await kubeconfig({ cluster: { server: cluster.url } });
    const second = await kubeconfig({ cluster: { server: 'https://127.0.0.1:1' } });
    const other = await kubeconfig({ cluster: { server: 'https://127.0.0.1:1' } }, 'other');
    const empty = join(folder, 'empty.yaml');
    await writeFile(empty, '');
    expect(await who({ KUBECONFIG: `${empty}:${first}:${second}:${other}:${join(folder, 'none')}` })).toBe('admin');
  });

  it('have the current context of the first that names one, and without one a context has to be named', async () => {
    const none = await kubeconfig({}, 'other', '');
    const first = await kubeconfig({});
    const config = userKubeConfig({}, { KUBECONFIG: `${none}:${first}` });
    expect(config.getCurrentContext()).toBe('c');
    const named = userKubeConfig({ context: 'other' }, { KUBECONFIG: none });
    expect((await review(named)).username).toBe('admin');
    await expect(who({ KUBECONFIG: none })).rejects.toThrow(/current context has no cluster.*--context/);
  });
});

/** A way to the API server from an IPv6 address. */
function startIpv6Way(): Promise<Proxy> {
  let count = 0;
  const server = createTcpServer((near) => {
    count += 1;
    const far = connect(Number(new URL(cluster.url).port), '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  return listening(server, 'https', () => count, '::1');
}

interface Proxy {
  readonly url: string;
  readonly server: Server | TcpServer;
  /** How many connections went through it. */
  count(): number;
}

async function listening(
  server: Server | TcpServer,
  scheme: string,
  count: () => number,
  host = '127.0.0.1',
): Promise<Proxy> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `${scheme}://${name}:${(server.address() as AddressInfo).port}`, server, count };
}

function startHttpProxy(): Promise<Proxy> {
  let count = 0;
  const server = createServer().on('connect', (request, socket) => {
    count += 1;
    const upstream = connect(Number(request.url!.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  return listening(server, 'http', () => count);
}

/** Answers a client without authentication that names an IPv4 address. */
function startSocksProxy(): Promise<Proxy> {
  let count = 0;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', (request: Buffer) => {
        count += 1;
        const port = request.readUInt16BE(request.length - 2);
        const upstream = connect(port, '127.0.0.1', () => {
          socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          upstream.pipe(socket).pipe(upstream);
        });
        upstream.on('error', () => socket.destroy());
      });
    });
  });
  return listening(server, 'socks5', () => count);
}
