/**
 * A service under 200 connections while its partner hangs, dies and comes back: without a breaker, with ours and with
 * opossum, in one run: `npm run bench:service`. All of it on the loopback interface.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const CONNECTIONS = 200;
const SECONDS = 10;
/** When the partner does what, in milliseconds. */
const [HANGS_AT, DIES_AT, BACK_AT] = [3_000, 5_000, 6_000];

interface Run {
  readonly breaker: string;
  readonly perSecond: number;
  readonly p97: number;
  readonly p99: number;
  readonly hotPercent: number;
}

const children = new Set<ChildProcess>();

async function start(file: string, ...args: string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  children.add(child);
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  children.delete(child);
}

async function run(breaker: string): Promise<Run> {
  let partner = await start('partner.ts', '0');
  const offer = await start('offer.ts', breaker, String(partner.port));
  const url = `http://127.0.0.1:${offer.port}`;
  await autocannon({ url, connections: CONNECTIONS, duration: 1 });
  offer.child.send('hot offers?');
  const [before] = (await once(offer.child, 'message')) as [number];
  const load = autocannon({ url, connections: CONNECTIONS, duration: SECONDS });
  const faults = (async () => {
    await wait(HANGS_AT);
    partner.child.kill('SIGSTOP');
    await wait(DIES_AT - HANGS_AT);
    await end(partner.child);
    await wait(BACK_AT - DIES_AT);
    partner = await start('partner.ts', String(partner.port));
  })();
  const [result] = await Promise.all([load, faults]);
  offer.child.send('hot offers?');
  const [after] = (await once(offer.child, 'message')) as [number];
  await Promise.all([end(offer.child), end(partner.child)]);
  if (result.errors + result.timeouts + result.non2xx > 0) {
    throw new Error(`${breaker}: ${result.errors} errors, ${result.timeouts} timeouts, ${result.non2xx} bad answers`);
  }
  const total = result.requests.total;
  return {
    breaker,
    perSecond: total / result.duration,
    p97: result.latency.p97_5,
    p99: result.latency.p99,
    hotPercent: (100 * (after - before)) / total,
  };
}

try {
  console.log(`${CONNECTIONS} connections for ${SECONDS} s each; the partner hangs, dies and comes back`);
  let bare: Run | undefined;
  for (const breaker of ['none', 'fuseboard', 'opossum']) {
    const measured = await run(breaker);
    bare ??= measured;
    const { perSecond, p97, p99, hotPercent } = measured;
    const [faster, sooner] = [perSecond / bare.perSecond, p99 / bare.p99];
    console.log(
      `${breaker.padEnd(10)} ${perSecond.toFixed(0).padStart(6)} requests/s (${faster.toFixed(2)} x)  p97.5 ${p97.toFixed(0).padStart(4)} ms  p99 ${p99.toFixed(0).padStart(4)} ms (${sooner.toFixed(2)} x)  ${hotPercent.toFixed(0)} % hot`,
    );
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
}
