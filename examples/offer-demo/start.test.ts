import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort, HOST } from './address.ts';
import { until } from './until.ts';

const START = fileURLToPath(new URL('start.ts', import.meta.url));
const DIRECTLY = [process.execPath, '--conditions=fuseboard-source', START, '--any-ports'];
const patience = { within: 60_000, every: 50 };

let demo: ChildProcess | undefined;
let folder: string | undefined;
afterEach(() => {
  demo?.kill('SIGKILL');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/**
 * Starts the demo, as its own process or below another, and resolves with the ports that it names, once it tells what
 * to try.
 */
async function startDemo(
  command: readonly string[] = DIRECTLY,
): Promise<{ ports: number[]; ended: Promise<number | null> }> {
  const [program, ...args] = command;
  const child = spawn(program!, args);
  demo = child;
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until('the guide', () => output.includes('Ctrl-C ends all of it'), patience).catch((error: Error) => {
    throw new Error(`${error.message}\n${output}`);
  });
  folder = dirname(dirname(resolvePath(/^ +edit (\S+)$/m.exec(output)![1]!)));
  const ports = [...output.matchAll(/http:\/\/127\.0\.0\.1:(\d+)\//g)].map(([, port]) => Number(port));
  return { ports: [...new Set(ports)], ended };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const silent = async (ports: readonly number[]) => !(await Promise.all(ports.map(answers))).includes(true);

describe('npm start', () => {
  it('leaves no process behind when it is killed itself', async () => {
    const { ports } = await startDemo();
    expect(ports.length).toBeGreaterThanOrEqual(3);
    expect(await Promise.all(ports.map(answers))).toEqual(ports.map(() => true));
    demo!.kill('SIGKILL');
    expect(await until('an end of all processes', () => silent(ports), patience)).toBe(true);
  }, 90_000);

  it('ends when the shell that it was started from is gone', async () => {
    const { ports } = await startDemo(['sh', '-c', '"$0" "$@"; exit $?', ...DIRECTLY]);
    demo!.kill('SIGKILL');
    expect(await until('an end of all processes', () => silent(ports), patience)).toBe(true);
  }, 90_000);

  it('ends all processes on Ctrl-C, and itself with 0', async () => {
    const { ports, ended } = await startDemo();
    demo!.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await silent(ports)).toBe(true);
  }, 90_000);
});

describe('freePort', () => {
  let taken: Server | undefined;
  afterEach(() => {
    taken?.close();
  });

  it('gives another port when the wanted one is taken', async () => {
    const preferred = await freePort();
    taken = createServer().listen(preferred, HOST);
    await new Promise((resolve) => taken!.once('listening', resolve));
    expect(await freePort(preferred)).not.toBe(preferred);
  });

  it('gives the wanted port when it is free', async () => {
    const server = createServer().listen(0, HOST);
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await freePort(port)).toBe(port);
  });

  it('gives no port twice, and none that a connection may be given', async () => {
    const ports: number[] = [];
    for (let i = 0; i < 200; i++) ports.push(await freePort());
    expect(new Set(ports).size).toBe(200);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });
});

describe('until', () => {
  it('says what it waited for and what the last look met', async () => {
    const look = () => Promise.reject(new Error('nobody there'));
    await expect(until('an answer', look, { within: 20, every: 1 })).rejects.toThrow(
      'an answer did not happen within 0.02 s: nobody there',
    );
  });
});
