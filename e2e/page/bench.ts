/**
 * How smooth the page is with 2,000 tiles that all change ten times a second: frame times in Chromium, as ratios to
 * those of a blank page on the same machine.
 *
 *     npm run bench:page -- --seconds=10 --rows=2000 --hertz=10
 */
import { createReadStream } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import type { BreakerRow } from '../../operator/src/core/views/breaker-row.ts';
import type { PolicyRow } from '../../operator/src/core/views/policy-row.ts';
import type { LiveDifference, LiveState } from '../../operator/src/http/admin/live/live.ts';
import { startBrowser } from './browser.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rows: { type: 'string', default: '2000' },
    hertz: { type: 'string', default: '10' },
  },
});
const [seconds, count, hertz] = [values.seconds, values.rows, values.hertz].map(Number) as [number, number, number];

const WEB = fileURLToPath(new URL('../../operator/dist/web/', import.meta.url));
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const SLOT_MS = 2_000;
const SLOTS = 150;
const AGENTS = 10_000;

const slotNow = () => Math.floor(performance.now() / SLOT_MS) + SLOTS;
const stamp = () => ({ at: Date.now(), replica: 'bench', others: [], slot: slotNow(), slotMs: SLOT_MS });

function policy(i: number): PolicyRow {
  return {
    ...{ uid: `uid-${i}`, namespace: `team-${i % 20}`, name: `policy-${i}`, generation: 1, mode: 'Enforce' },
    breakers: [`service-${i}`],
    thresholds: { window: 'Time', windowMs: 10_000, minimumCalls: 20, failureRate: 50 },
    ...{ rollout: 'Programmed', message: 'all agents applied the spec' },
  };
}

function row(i: number, turn: number, slots: number): BreakerRow {
  const open = i % 97 === 0;
  const agents = Math.round(AGENTS / 20);
  const samples = Array.from({ length: slots }, (_, slot) => {
    const calls = 400 + ((i * 7 + slot * 13 + turn * 31) % 200);
    return [calls, open ? calls - 20 : (i + slot + turn) % 40, (i + slot) % 9, open ? turn % 50 : 0];
  }).flat();
  return {
    ...{
      id: `team-${i % 20}/uid-${i}/service-${i}`,
      namespace: `team-${i % 20}`,
      breaker: `service-${i}`,
      uid: `uid-${i}`,
    },
    ...{ state: open ? 'open' : 'closed', shadow: false, since: Date.now() - 60_000 - i, heard: Date.now(), agents },
    states: { closed: open ? agents - 3 : agents, open: open ? 3 : 0, halfOpen: 0, shadowOpen: 0 },
    services: [{ service: 'checkout', agents }],
    unwell: open ? ['pod-1', 'pod-2', 'pod-3'] : [],
    window: { calls: 2_000, failed: 100, slow: 5, rejected: 0 },
    latency: [0, 0, 0, 0, 0, 0, 0, 40 + (turn % 10), 30, 20, 10, 4, 1],
    slot: slotNow() - slots + 1,
    samples,
    changes: [],
  };
}

const rows = Array.from({ length: count }, (_, i) => i);
const watching = new Set<ServerResponse>();
const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const overview = {
  breakers: { closed: 195_000, open: 63, halfOpen: 0, shadowOpen: 0 },
  ...{ rows: count, policies: { total: count, Programmed: count } },
  agents: { connected: AGENTS, connecting: 0, stale: 0, gone: 0, rejecting: 0 },
  outages: { lasting: 0, over: 0 },
};
let sent = 0;

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url!, 'http://bench').pathname);
  if (path === '/blank') {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>blank</title><p>blank</p>');
    return;
  }
  if (path !== '/v1/watch') {
    const file = path === '/' ? 'index.html' : path;
    response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain');
    createReadStream(join(WEB, file))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const source = { kind: 'kubernetes', synced: true, problems: 0 };
  const state: LiveState = {
    ...stamp(),
    source,
    overview,
    policies: rows.map(policy),
    rows: rows.map((i) => row(i, 0, SLOTS)),
  };
  response.write(event('state', state));
  watching.add(response);
  response.on('close', () => watching.delete(response));
});
server.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let turn = 0;
const feeding = setInterval(() => {
  if (watching.size === 0) return;
  turn += 1;
  const difference: LiveDifference = { ...stamp(), rows: rows.map((i) => row(i, turn, 1)) };
  const text = event('difference', difference);
  for (const response of watching) if (response.writableLength < 8e6) response.write(text);
  sent += text.length;
}, 1_000 / hertz);

/** Frame times in milliseconds over some seconds, sorted. */
async function frames(page: Page): Promise<number[]> {
  const measured = (await page.evaluate(`new Promise((resolve) => {
    const times = [];
    const end = performance.now() + ${seconds * 1_000};
    let before = performance.now();
    const frame = (now) => {
      times.push(now - before);
      before = now;
      if (performance.now() < end) requestAnimationFrame(frame);
      else resolve(times.slice(1));
    };
    requestAnimationFrame(frame);
  })`)) as number[];
  return measured.sort((a, b) => a - b);
}

const at = (times: readonly number[], share: number) =>
  times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
const mean = (times: readonly number[]) => times.reduce((sum, time) => sum + time, 0) / times.length;

const browser = await startBrowser();
try {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } });
  const measure = async (path: string, prepare: (page: Page) => Promise<void>) => {
    const page = await context.newPage();
    await page.goto(`${url}${path}`);
    await prepare(page);
    const before = turn;
    const begun = performance.now();
    const times = await frames(page);
    const updates = (turn - before) / ((performance.now() - begun) / 1_000);
    const drawn = await page.locator('.tile').count();
    await page.close();
    return { times, updates, drawn };
  };
  const blank = await measure('/blank', async () => {});
  const still = async (page: Page) => page.locator('.tile').nth(3).waitFor({ timeout: 60_000 });
  const busy = await measure('/', still);
  const scrolled = await measure('/', async (page) => {
    await still(page);
    await page.evaluate(`setInterval(() => document.querySelector('.board').scrollBy(0, 40), 50)`);
  });
  console.log(`${count} tiles, each changed ${hertz} times a second; ${seconds} s of each; 1440 x 900`);
  console.log('| page | tiles in the document | changes/s | frame p50 ms | p95 | p99 | mean, as a ratio to blank |');
  console.log('|---|---|---|---|---|---|---|');
  for (const [name, { times, updates, drawn }] of Object.entries({
    blank,
    'the board': busy,
    'the board, scrolling': scrolled,
  })) {
    const figures = [0.5, 0.95, 0.99].map((share) => at(times, share).toFixed(1));
    const fed = name === 'blank' ? '–' : updates.toFixed(1);
    console.log(`| ${[name, drawn, fed, ...figures, (mean(times) / mean(blank.times)).toFixed(2)].join(' | ')} |`);
  }
  console.log(`${(sent / 1e6).toFixed(0)} MB of events were sent`);
} finally {
  clearInterval(feeding);
  await browser.close();
  server.closeAllConnections();
  server.close();
}
