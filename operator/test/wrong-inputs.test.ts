import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { program } from '../src/cli/program.ts';
import { ready } from './local-operator.ts';
import { PlainAgent } from './plain-agent.ts';
import { until } from './until.ts';

const FOLDER = fileURLToPath(new URL('./wrong-inputs/', import.meta.url));
const ANSWERS = fileURLToPath(new URL('./wrong-inputs/answers.txt', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Writes the answers as they are now, to be read before they are committed. */
const UPDATE = process.env.UPDATE_ANSWERS !== undefined;

/** A command line of `answers.txt`, with everything that it prints, and its exit code in brackets as the last line. */
interface Case {
  readonly line: string;
  readonly answer: string;
}

const cases: Case[] = readFileSync(ANSWERS, 'utf8')
  .split(/^\$ /m)
  .slice(1)
  .map((block) => {
    const end = block.indexOf('\n');
    return { line: block.slice(0, end), answer: block.slice(end + 1).trimEnd() };
  });

const { env } = process;
const before = { cwd: process.cwd(), HOME: env.HOME, KUBECONFIG: env.KUBECONFIG };
const given: Case[] = [];
let operator: ChildProcess;
let agent: PlainAgent;
let server: string;

beforeAll(async () => {
  process.chdir(FOLDER);
  env.HOME = FOLDER;
  delete env.KUBECONFIG;
  const ports = ['--port', '0', '--metrics-port', '0', '--admin-port', '0'];
  const args = ['--conditions=fuseboard-source', MAIN, 'serve', '--policies', 'served', ...ports];
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  operator = spawn(process.execPath, args, { stdio: [...stdio], env: { PATH: env.PATH, HOME: FOLDER } });
  let log = '';
  operator.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  const serving = () => log.split('\n').find((line) => line.includes('"serving"'));
  await until(serving);
  const { metrics, admin, agents } = JSON.parse(serving()!);
  await ready(metrics);
  server = admin;
  agent = await new PlainAgent(agents, 'shop', 'checkout', 'checkout-1').join();
  await agent.report({ payments: { state: 'closed' } });
});

afterAll(async () => {
  process.chdir(before.cwd);
  env.HOME = before.HOME;
  if (before.KUBECONFIG !== undefined) env.KUBECONFIG = before.KUBECONFIG;
  agent?.close();
  if (UPDATE && given.length > 0)
    writeFileSync(ANSWERS, given.map(({ line, answer }) => `$ ${line}\n${answer}\n`).join('\n'));
  operator?.kill('SIGKILL');
});

/** Splits a command line at its spaces, except those in single quotes. */
const argsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!.replace('$SERVER', server));

async function answerTo(line: string): Promise<string> {
  const [name, ...args] = argsOf(line);
  expect(name).toBe('fuseboard');
  let printed = '';
  const stream = () => {
    const sink = new PassThrough();
    sink.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
    });
    return sink as unknown as NodeJS.WriteStream;
  };
  const code = await program({ args, out: stream(), err: stream() }, () => import('../src/adapters.ts'));
  await new Promise((resolve) => setImmediate(resolve));
  return `${printed.replaceAll(server, '$SERVER')}[${code}]`;
}

describe('the answer of the command line to a wrong input', () => {
  it.each(cases)('$line', async ({ line, answer }) => {
    const now = await answerTo(line);
    given.push({ line, answer: now });
    if (!UPDATE) expect(now).toBe(answer);
  });

  it('is known for at least 60 of them', () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(cases.map(({ line }) => line)).size).toBe(cases.length);
  });
});
