import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { Browser, Locator, Page } from 'playwright-core';
import { readConfig } from '../../operator/src/config/config.ts';
import { type Serving, serve } from '../../operator/src/serve.ts';
import { FLAGS, localAdapters } from '../../operator/test/local-operator.ts';
import { MemorySource, policy } from '../../operator/test/memory-source.ts';
import { type Doing, PlainAgent } from '../../operator/test/plain-agent.ts';
import { eventually } from '../cluster/run.ts';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { screenshot } from './screenshots.ts';

const MAIN = fileURLToPath(new URL('../../operator/src/main.ts', import.meta.url));
const PATIENCE = { timeout: 30_000 };

/** How far the clock goes between two reports of each agent. */
const STEP_S = 2;

/** Calls of one agent between two reports: 14 in a second. */
const CALLS = 28;

type State = 'closed' | 'open' | 'half-open';

/** What a circuit does, at seconds after the partner failed. */
interface Change {
  readonly at: number;
  readonly to: State;
  readonly reason: string;
}

/** Opens, is half-open every 30 s and fails, until the partner is well. */
function failing(from: number, until: number, reason: string): Change[] {
  const changes: Change[] = [{ at: from, to: 'open', reason }];
  for (let at = from + 30; at < until; at += 30) {
    changes.push({ at, to: 'half-open', reason: 'open-duration-over' });
    changes.push({ at: at + STEP_S, to: 'open', reason: 'probe-failed' });
  }
  return [...changes, { at: until, to: 'half-open', reason: 'open-duration-over' }];
}

const recovered = (at: number): Change => ({ at, to: 'closed', reason: 'probe-succeeded' });

/** The partner fails; at 8 min it is half well, at 10 min it fails again, at 19 min 30 s it has recovered. */
const END_S = 1_170;
const STORY: readonly (readonly Change[])[] = [
  [...failing(0, 480, 'failure-rate'), recovered(482), ...failing(600, END_S - 2, 'failure-rate'), recovered(END_S)],
  [...failing(4, END_S - 2, 'failure-rate'), recovered(END_S)],
  [...failing(6, END_S - 2, 'consecutive-failures'), recovered(END_S)],
  [],
  [],
];

let now = 1_000_000;
const wall = Date.UTC(2030, 0, 1, 2, 14) - now;
let second = -120;
let serving: Serving;
let agents: PlainAgent[];
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  const log = pino({ level: 'silent' });
  const source = new MemorySource();
  const clocks = { clock: { now: () => now }, wallClock: () => wall + now };
  serving = await serve(readConfig(FLAGS), { ...(await localAdapters(log)), ...clocks, source }, log);
  source.set([policy('payments'), policy('search'), policy('stock')]);
  await eventually(async () => (await fetch(`${serving.metricsUrl}/readyz`)).ok);
  agents = [];
  for (let i = 1; i <= STORY.length; i += 1) {
    const agent = new PlainAgent(serving.agentsUrl, 'default', 'checkout', `checkout-7d9f-${i}`, () => now);
    agents.push(await agent.join());
  }
  browser = await startBrowser();
  const viewport = { width: 1_280, height: 800 };
  const context = await browser.newContext({
    ...({ viewport, colorScheme: 'dark', timezoneId: 'UTC' } as const),
    permissions: ['notifications'],
  });
  page = await context.newPage();
  // What the system shows cannot be read, so it is recorded on the way there.
  await page.addInitScript(`
    globalThis.shown = [];
    globalThis.Notification = class extends Notification {
      constructor(title, options) {
        super(title, options);
        globalThis.shown.push([title, options.body]);
      }
    };
  `);
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${serving.adminUrl}/`);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  for (const agent of agents ?? []) agent.close();
  await serving?.stop(0);
});

/** What an agent reports of payments now. */
function payments(changes: readonly Change[]): Doing {
  const past = changes.filter(({ at }) => at <= second);
  const state = past.at(-1)?.to ?? 'closed';
  const before = past.filter(({ at }) => at < second).at(-1)?.to ?? 'closed';
  const change = past.at(-1);
  const transitions =
    change?.at === second ? [{ from: before, to: change.to, agoMs: 0, reason: change.reason }] : undefined;
  if (state === 'closed') return { succeeded: CALLS, latency: [0, 0, 0, 0, 0, 0, 0, CALLS] };
  const probe = state === 'half-open' ? 1 : 0;
  const opening = before === 'closed' ? CALLS : 0;
  return {
    ...{ state, failed: probe + opening, fallback: CALLS, rejected: CALLS - probe - opening },
    ...(transitions && { transitions }),
  };
}

/** Lets the agents report until the clock is at a second of the outage. */
async function playTo(end: number): Promise<void> {
  while (second < end) {
    second += STEP_S;
    now += STEP_S * 1_000;
    await Promise.all(
      agents.map((agent, i) =>
        agent.report({
          payments: payments(STORY[i]!),
          search: { succeeded: 9, latency: [0, 0, 0, 0, 0, 0, 0, 0, 9] },
          ...Object.fromEntries(
            ['stock', 'prices', 'reviews', 'carts', 'taxes'].map((name) => [name, { succeeded: 4 }]),
          ),
        }),
      ),
    );
  }
}

async function reads(sentence: string | RegExp): Promise<void> {
  const headline = page.locator('.headline .sentence');
  await headline.getByText(sentence).waitFor(PATIENCE);
}

const run = promisify(execFile);

async function command(...args: string[]): Promise<string> {
  const line = ['--conditions=fuseboard-source', MAIN, ...args, '--server', serving.adminUrl];
  return (await run(process.execPath, line, { encoding: 'utf8' })).stdout;
}

it('says that nothing is refused before the outage', async () => {
  await playTo(-2);
  await reads('Nothing is refused.');
  await page.locator('.breaker-line').nth(6).waitFor(PATIENCE);
  expect(await page.locator('.breaker-line').count()).toBe(7);
}, 90_000);

it('offers to notify', async () => {
  await page.keyboard.press('?');
  const box = page.getByLabel('Notify me on this computer when a breaker is refused');
  expect(await box.isChecked()).toBe(false);
  await box.check();
  await eventually(() => box.isChecked());
  await page.keyboard.press('Escape');
}, 60_000);

it('says at 10 s, 1, 6 and 20 min what is refused, by whom and what it costs', async () => {
  await playTo(10);
  await reads(/^payments is refused by 3 of 5 checkout pods for 10 s: \d+(\.\d)? calls\/s get the fallback\.$/);
  expect(await page.evaluate('shown')).toEqual([
    ['payments is refused', expect.stringMatching(/^payments is refused by .* checkout pods? for \d+ s: .*\.$/)],
  ]);
  await screenshot(page, 'outage-10-s');
  await playTo(60);
  await reads('payments is refused by 3 of 5 checkout pods for 1 min: 42 calls/s get the fallback.');
  await screenshot(page, 'outage-1-min');
  await playTo(360);
  await reads('payments is refused by 3 of 5 checkout pods for 6 min: 42 calls/s get the fallback.');
  const tile = page.locator('.tile', { hasText: 'payments' });
  expect(await tile.locator('.since').innerText()).toBe('6 min');
  expect(await tile.locator('.reason b').innerText()).toBe('failure rate');
  expect(await page.title()).toBe('(1 open) Fuseboard');
  await screenshot(page, 'outage-6-min');
  expect(await barriers(page)).toEqual([]);
  await playTo(540);
  await reads('payments is refused by 2 of 5 checkout pods for 9 min: 28 calls/s get the fallback.');
  await playTo(1_200);
  await reads(
    /^payments is accepted again since 30 s, after 19 min of refusals by 3 of 5 checkout pods: [\d,]+ calls refused\.$/,
  );
  await screenshot(page, 'outage-20-min');
  expect(await barriers(page)).toEqual([]);
}, 240_000);

it('lists the outage with its plot when it is over', async () => {
  await playTo(1_260);
  await eventually(async () =>
    (await page.locator('.headline .sentence').innerText()).startsWith('Nothing is refused.'),
  );
  await page.getByRole('navigation').getByRole('link', { name: 'Outages' }).click();
  await page.locator('tbody tr', { hasText: 'payments' }).getByText('over').waitFor(PATIENCE);
  expect(await page.locator('tbody tr').count()).toBe(1);
  await page.getByRole('link', { name: 'default/payments' }).click();
  const panel = page.locator('.panel');
  await panel.locator('canvas').waitFor(PATIENCE);
  await panel.getByText('3 of 5 agents').waitFor(PATIENCE);
  await screenshot(page, 'outages');
  expect(await barriers(page)).toEqual([]);
  await page.reload();
  await panel.locator('canvas').waitFor(PATIENCE);
  await panel.getByText('Calls by time').click();
  expect(await panel.locator('details tbody tr').count()).toBeGreaterThan(20);
  expect(complaints).toEqual([]);
}, 120_000);

/** Selects a part of a plot with the pointer, from and to these shares of its width. */
async function brush(plot: Locator, from: number, to: number): Promise<void> {
  const box = (await plot.boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + from * box.width, y);
  await page.mouse.down();
  await page.mouse.move(box.x + to * box.width, y, { steps: 4 });
  await page.mouse.up();
}

it('shows the hour around it, with latencies, and the selected part of it', async () => {
  await page.goto(`${serving.adminUrl}/`);
  await page.getByRole('link', { name: 'payments', exact: true }).click();
  const panel = page.locator('.panel');
  await panel.getByRole('link', { name: '1 h', exact: true }).click();
  const plots = panel.locator('.u-over');
  await plots.nth(1).waitFor(PATIENCE);
  await panel.getByText('5 agents started').waitFor(PATIENCE);
  // The crosshair is common to both plots, and each says what there is at its time.
  await plots.first().hover();
  const lines = await panel
    .locator('.u-cursor-x')
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().x));
  expect(Math.max(...lines) - Math.min(...lines)).toBeLessThan(2);
  await page.setViewportSize({ width: 1_280, height: 1_060 });
  await playTo(1_264);
  await screenshot(page, 'range-hour');
  await page.setViewportSize({ width: 1_280, height: 800 });
  expect(await barriers(page)).toEqual([]);
  await brush(plots.first(), 0.7, 0.9);
  await page.waitForURL(/range=1h&zoom=\d+-\d+$/);
  const part = await panel.locator('.ranges [role=status]').innerText();
  await playTo(1_268);
  await page.locator('.pulse.live').waitFor(PATIENCE);
  await screenshot(page, 'range-part');
  await page.reload();
  await plots.nth(1).waitFor(PATIENCE);
  expect(await panel.locator('.ranges [role=status]').innerText()).toBe(part);
  await panel.getByRole('button', { name: 'Earlier' }).press('Enter');
  await eventually(async () => (await panel.locator('.ranges [role=status]').innerText()) !== part);
  await panel.getByRole('button', { name: 'Whole range' }).press('Enter');
  await panel.getByText('Calls by time').click();
  expect(await panel.locator('details tbody tr').count()).toBeGreaterThan(20);
  await panel.getByRole('link', { name: '24 h', exact: true }).click();
  await page.waitForURL(/range=24h$/);
  await plots.nth(1).waitFor(PATIENCE);
  expect(complaints).toEqual([]);
}, 120_000);

it('tells the same on the command line', async () => {
  expect(await command('outages')).toMatch(
    /^payments +over +2030-01-01T02:16:00Z +19m +\d+ +3\/5 +failure rate +\S+-payments-\w+$/m,
  );
  const shown = await command('outages', 'payments');
  expect(shown).toMatch(
    /^payments was refused by 3 of 5 checkout pods for 19 min, until 1 min ago: [\d,]+ calls refused$/m,
  );
  expect(shown).toMatch(/^recovery +\d+ attempts, \d+ failed$/m);
  expect(shown).toMatch(/^rejected +\|.*█.*\|/m);
}, 60_000);
