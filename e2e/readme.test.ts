import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../examples/offer-demo/address.ts';
import { blocks } from '../test/documents.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { findKubectl } from './cluster/kubectl.ts';
import { eventually } from './cluster/run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REASON = 'needs a cluster; e2e/readme.test.ts runs it on one';

let cluster: Cluster;
let home: string;
let ports: Record<'8443' | '8080' | '8081' | '8711', number>;
const children: ChildProcess[] = [];

/** Runs a block as a reader would, with a kubeconfig at home and kubectl on the path, on ports that are free here. */
const run = (text: string) => {
  const script = Object.entries(ports).reduce((all, [usual, free]) => all.replaceAll(`:${usual}`, `:${free}`), text);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      HOME: home,
      PATH: `${join(home, 'bin')}:${process.env.PATH}`,
      PORT: String(ports['8711']),
      FUSEBOARD_PORT: String(ports['8443']),
      FUSEBOARD_METRICS_PORT: String(ports['8080']),
      FUSEBOARD_ADMIN_PORT: String(ports['8081']),
    },
  });
  children.push(child);
  const seen = { output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      seen.output += part;
    });
  }
  return { child, seen };
};

beforeAll(async () => {
  cluster = await startCluster();
  home = join(cluster.folder, 'home');
  await mkdir(join(home, '.kube'), { recursive: true });
  await mkdir(join(home, 'bin'));
  await copyFile(cluster.kubeconfig, join(home, '.kube', 'config'));
  await symlink(await findKubectl(), join(home, 'bin', 'kubectl'));
  ports = { 8443: await freePort(), 8080: await freePort(), 8081: await freePort(), 8711: await freePort() };
}, 600_000);

afterAll(async () => {
  for (const { pid, exitCode } of children) if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL');
  await cluster?.stop();
});

it('the five minutes on a cluster work as the README says', async () => {
  const readme = blocks('README.md', await readFile(join(ROOT, 'README.md'), 'utf8'));
  const [operator, service, policy, ...more] = readme.filter(({ notRun }) => notRun === REASON).map(({ text }) => text);
  expect(more).toEqual([]);

  const serving = run(operator!);
  await eventually(() => /"serving"/.test(serving.seen.output), 60_000);
  const offering = run(service!);
  await eventually(async () => (await fetch(`http://127.0.0.1:${ports['8711']}/offer/circuit`)).ok, 60_000);

  const applied = run(policy!);
  const [code] = (await once(applied.child, 'close')) as [number];
  const { output } = applied.seen;
  expect([code, output]).toEqual([0, expect.stringMatching(/partner-offer condition met/)]);
  expect(output).toMatch(/partner-offer\s+\["partner-offer"\]\s+Enforce\s+True\s+True\s+1\/1/);
  await eventually(async () => {
    const circuit = (await (await fetch(`http://127.0.0.1:${ports['8711']}/offer/circuit`)).json()) as {
      fail_max: number;
    };
    return circuit.fail_max === 5;
  });
  expect([serving.child.exitCode, offering.child.exitCode]).toEqual([null, null]);
}, 180_000);
