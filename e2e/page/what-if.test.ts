import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
import { parse } from 'yaml';
import { readConfig } from '../../operator/src/config/config.ts';
import { type Serving, serve } from '../../operator/src/serve.ts';
import { FLAGS, localAdapters } from '../../operator/test/local-operator.ts';
import { MemorySource, policy } from '../../operator/test/memory-source.ts';
import { type Doing, PlainAgent } from '../../operator/test/plain-agent.ts';
import { eventually } from '../cluster/run.ts';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { screenshot } from './screenshots.ts';

const PATIENCE = { timeout: 30_000 };
const REPORT_S = 10;

/** Calls of one agent between two reports: 12 in a second. */
const CALLS = 120;

/** When the dependency is half well, and when it fails, in seconds. */
const WORSE = { from: 900, until: 1_140 };
const DOWN = { from: 1_800, until: 1_980 };
const END_S = 2_520;

const SPEC = {
  breakers: ['payments'],
  trip: { minimumCalls: 20, failureRate: { thresholdPercent: 50 }, consecutiveFailures: 30 },
  recovery: { openDuration: '30s' },
};

let now = 1_000_000;
const wall = Date.UTC(2030, 0, 1, 2, 14) - now;
let serving: Serving;
let agents: PlainAgent[];
let browser: Browser;
let page: Page;
let going: NodeJS.Timeout;
const complaints: string[] = [];

beforeAll(async () => {
  const log = pino({ level: 'silent' });
  const source = new MemorySource();
  const clocks = { clock: { now: () => now }, wallClock: () => wall + now };
  serving = await serve(readConfig(FLAGS), { ...(await localAdapters(log)), ...clocks, source }, log);
  source.set([policy('payments', { spec: SPEC } as never)]);
  await eventually(async () => (await fetch(`${serving.metricsUrl}/readyz`)).ok);
  agents = [];
  for (const i of [1, 2]) {
    const agent = new PlainAgent(serving.agentsUrl, 'default', 'checkout', `checkout-7d9f-${i}`, () => now);
    agents.push(await agent.join());
  }
  for (let second = 0; second < END_S; second += REPORT_S) {
    now += REPORT_S * 1_000;
    await Promise.all(agents.map((agent) => agent.report({ payments: payments(second) })));
  }
  // From here on the clock goes as fast as time, so that the page stays live.
  going = setInterval(() => {
    now += 1_000;
    for (const agent of agents) void agent.report({ payments: { succeeded: CALLS / REPORT_S } }).catch(() => {});
  }, 1_000);
  browser = await startBrowser();
  const viewport = { width: 1_280, height: 1_180 };
  const context = await browser.newContext({ viewport, colorScheme: 'dark', timezoneId: 'UTC' });
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
}, 120_000);

afterAll(async () => {
  clearInterval(going);
  await browser?.close();
  for (const agent of agents ?? []) agent.close();
  await serving?.stop(0);
});

/** What an agent counted in the seconds before a report. */
function payments(second: number): Doing {
  const isIn = ({ from, until }: typeof WORSE) => second >= from && second < until;
  const counted = (failed: number): Doing => {
    const latency = [0, 0, 0, 0, 0, 0, 0, CALLS];
    return { succeeded: CALLS - failed, failed, latency };
  };
  if (!isIn(DOWN)) return counted(isIn(WORSE) ? 0.35 * CALLS : second % 60 === 0 ? 1 : 0);
  const since = second - DOWN.from;
  if (since === 0) {
    const opened = { from: 'closed', to: 'open', agoMs: 100, reason: 'failure-rate' } as const;
    return { ...counted(CALLS), state: 'open', transitions: [opened] };
  }
  const probes = since % 30 === 0 ? 1 : 0;
  return { state: 'open', failed: probes, rejected: CALLS - probes };
}

it('replays the last hour with other numbers, and gives the policy with them', async () => {
  await page.goto(`${serving.adminUrl}/`);
  await page.getByRole('link', { name: 'payments', exact: true }).first().click();
  const loaded = () => page.evaluate('performance.getEntriesByType("resource").map(({ name }) => name).join(" ")');
  const panel = page.locator('.panel');
  const button = panel.getByRole('button', { name: 'Try other numbers' });
  await button.waitFor(PATIENCE);
  expect(await loaded()).not.toContain('what-if');
  await button.click();
  const result = panel.locator('.what-if');
  const textsOf = (name: string) =>
    result
      .locator('tr', { has: page.getByRole('rowheader', { name, exact: true }) })
      .locator('td')
      .allInnerTexts();

  // 35 % failed for 4 min, below the threshold; then all failed for 3 min, and the circuit was open.
  await result
    .getByText(/^With the numbers in force, replayed, it opens once: first at Jan 1, 02:44:/)
    .waitFor(PATIENCE);
  expect(await loaded()).toContain('what-if');
  expect(await textsOf('opened')).toEqual(['1', '1', '1', 'perhaps']);
  expect(await textsOf('not closed for')).toEqual([
    ...[/^3 min/, /^3 min/, /^3 min/, /^≤ \d+ min$/].map((text) => expect.stringMatching(text)),
  ]);

  const threshold = result.getByRole('spinbutton', { name: 'failureRate, %', exact: true });
  await threshold.fill('30');
  await result
    .getByText(/^With the edited numbers it opens \d+ times: first at Jan 1, 02:29:\d\d \(failure rate\)/)
    .waitFor(PATIENCE);
  const opened = await textsOf('opened');
  expect(opened).toEqual(['1', '1', expect.stringMatching(/^\d+$/), 'surely']);
  // Every 31 s for 4 min, and once for the outage.
  expect(Math.abs(Number(opened[2]) - 8)).toBeLessThanOrEqual(1);
  await result.evaluate((element) => element.scrollIntoView());
  await screenshot(page, 'what-if');
  expect(await barriers(page)).toEqual([]);

  const [yaml, command] = await result.locator('pre').allInnerTexts();
  const trip = { ...SPEC.trip, failureRate: { thresholdPercent: 30 } };
  expect(parse(yaml!)).toEqual({
    ...{ apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy' },
    ...{ metadata: { name: 'payments', namespace: 'default' }, spec: { ...SPEC, trip } },
  });
  expect(command!.trim()).toBe(
    'kubectl patch circuitbreakerpolicies.fuseboard.dev payments -n default --type merge -p \'{"spec":{"trip":{"failureRate":{"thresholdPercent":30}}}}\'',
  );

  // What is no number of the policy changes nothing.
  await threshold.fill('300');
  await result.getByRole('slider', { name: 'openDuration, s, slider' }).fill('60');
  await result.getByText('openDuration: 1m').waitFor(PATIENCE);
  expect(parse((await result.locator('pre').first().innerText())!).spec.trip).toEqual(trip);
  await result.getByText('What sums of 20 s cannot say').click();
  await result.getByText(/^Failures in a row are not recorded/).waitFor(PATIENCE);
  await result.getByRole('button', { name: 'As in force' }).click();
  await result.getByText(/^With the numbers in force/).waitFor(PATIENCE);
  await result.getByRole('button', { name: 'Replay the last 24 h' }).click();
  await result.getByText('What sums of 5 min cannot say').waitFor(PATIENCE);
  expect(await barriers(page)).toEqual([]);
  expect(complaints).toEqual([]);
}, 120_000);
