import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeControlPlane } from '../src/testing/testing.ts';

const sources = join(import.meta.dirname, '../src/index.ts');
const children: ChildProcess[] = [];

function run(script: string, env: Record<string, string> = {}): ChildProcess {
  const flags = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const child = spawn(process.execPath, [...flags, '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('a process whose own work is done', () => {
  const work = (after: string) => `
    const { getBreaker, start } = await import(${JSON.stringify(sources)});
    const result = await getBreaker('payments').execute(async () => 'called');
    ${after}
    console.log(result);`;

  it('exits by itself while its link is open', async () => {
    const plane = await FakeControlPlane.start();
    const child = run(work('console.log(await start({ service: "t" }).ready());'), { FUSEBOARD_URL: plane.url });
    expect(await ended(child)).toEqual({ code: 0, output: 'Live\ncalled\n' });
    expect(plane.connections).toHaveLength(1);
    await plane.stop();
  });

  it('exits by itself while the operator hangs', async () => {
    const plane = await FakeControlPlane.start();
    plane.answerStreams('hang');
    const child = run(work('await start().ready({ timeout: "1s" });'), { FUSEBOARD_URL: plane.url });
    expect(await ended(child)).toEqual({ code: 0, output: 'called\n' });
    expect(plane.connections).toHaveLength(1);
    await plane.stop();
  });

  it('exits by itself while a connection is being made that nobody accepts', async () => {
    const server = run(`
      import { createServer } from 'node:net';
      const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        process.stdout.write(server.address().port + '\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
      });`);
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    const port = Number(line.toString());
    const queued: Socket[] = Array.from({ length: 6 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    await Promise.race(queued.map((socket) => once(socket, 'connect')));
    const connecting = 'await start({ warn: (message) => console.log(message) }).ready({ timeout: "500ms" });';
    const child = run(work(connecting), { FUSEBOARD_URL: `http://127.0.0.1:${port}` });
    // A process that waits for the connection would end later and with a warning.
    expect(await ended(child)).toEqual({ code: 0, output: 'called\n' });
    for (const socket of queued) socket.destroy();
  });

  it('never starts a link where no operator is named', async () => {
    const child = run(work('console.log(await start().ready());'), { FUSEBOARD_URL: '' });
    expect(await ended(child)).toEqual({ code: 0, output: 'Defaults\ncalled\n' });
  });

  it('has been linked by its first getBreaker alone', async () => {
    const plane = await FakeControlPlane.start();
    const waiting = 'process.stdin.resume(); process.stdin.on("end", () => console.log("over"));';
    const child = run(work(waiting), { FUSEBOARD_URL: plane.url, FUSEBOARD_SERVICE: 'lazy' });
    await plane.until((p) => p.connections.length === 1);
    expect(plane.connections[0]?.query.get('service')).toBe('lazy');
    child.stdin?.end();
    expect(await ended(child)).toEqual({ code: 0, output: 'called\nover\n' });
    await plane.stop();
  });

  it('has no link when FUSEBOARD_DISABLED is set', async () => {
    const plane = await FakeControlPlane.start();
    const env = { FUSEBOARD_URL: plane.url, FUSEBOARD_DISABLED: '1' };
    const child = run(work('console.log(await start().ready());'), env);
    expect(await ended(child)).toEqual({ code: 0, output: 'Defaults\ncalled\n' });
    expect(plane.connections).toHaveLength(0);
    await plane.stop();
  });
});
