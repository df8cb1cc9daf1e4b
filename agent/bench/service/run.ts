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
/** Of each connection, in requests a second: the load of users, who do not ask faster because answers come faster. */
const RATE = 4;
const SECONDS = 10;
/** When the partner does what, in milliseconds. */
const [HANGS_AT, DIES_AT, BACK_AT] = [2_500, 6_000, 7_000];
/** From when on whoever knows that the partner is away has had the time to know it. */
const KNOWN_AT = HANGS_AT + 2_000;

interface Run {
  readonly breaker: string;
  readonly perSecond: number;
  readonly p99: number;
  /** While the partner is away and that can be known. */
  readonly p99Away: number;
  readonly hotPerSecond: number;
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
  const asked = { url, connections: CONNECTIONS, connectionRate: RATE };
  await autocannon({ ...asked, duration: 1 });
  offer.child.send('hot offers?');
  const [before] = (await once(offer.child, 'message')) as [number];
  const began = performance.now();
  const away: number[] = [];
  const load = autocannon({ ...asked, duration: SECONDS });
  load.on('response', (_client, _status, _bytes, ms) => {
    const at = performance.now() - began;
    if (at >= KNOWN_AT && at < BACK_AT) away.push(ms);
  });
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
  return {
    breaker,
    perSecond: result.requests.total / result.duration,
    p99: result.latency.p99,
    p99Away: away.sort((a, b) => a - b)[Math.floor(away.length * 0.99)] ?? 0,
    hotPerSecond: (after - before) / result.duration,
  };
}

try {
  console.log(
    `${CONNECTIONS} connections, ${RATE} requests a second each, ${SECONDS} s; the partner hangs, dies and comes back`,
  );
  let bare: Run | undefined;
  for (const breaker of ['none', 'fuseboard', 'opossum']) {
    const measured = await run(breaker);
    bare ??= measured;
    const figure = (name: 'perSecond' | 'hotPerSecond' | 'p99' | 'p99Away', unit: string) =>
      `${measured[name].toFixed(0).padStart(5)} ${unit} (${(measured[name] / bare![name]).toFixed(2)} x)`;
    console.log(
      [
        breaker.padEnd(10),
        figure('perSecond', 'requests/s'),
        figure('hotPerSecond', 'hot/s'),
        `p99 ${figure('p99', 'ms')}`,
        `while away ${figure('p99Away', 'ms')}`,
      ].join('  '),
    );
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
}
