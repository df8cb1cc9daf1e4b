import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { Demo } from './demo.ts';
import { screenshot } from './screenshots.ts';

/** What is seen is recorded here, step by step: `npx playwright show-trace` plays it. */
const RECORD = fileURLToPath(new URL('../../.cache/page/demo.zip', import.meta.url));

const PATIENCE = { timeout: 30_000 };

let demo: Demo;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  demo = await Demo.start();
  browser = await startBrowser();
  context = await browser.newContext({ viewport: { width: 1_080, height: 720 }, colorScheme: 'dark' });
  await context.tracing.start({ screenshots: true, snapshots: true });
  page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(demo.pageUrl).origin) complaints.push(`asked ${request.url()}`);
  });
}, 120_000);

afterAll(async () => {
  mkdirSync(fileURLToPath(new URL('.', `file://${RECORD}`)), { recursive: true });
  await context?.tracing.stop({ path: RECORD });
  await browser?.close();
  await demo?.end();
}, 60_000);

const tile = (state: string) => page.locator(`.tile.${state}`, { hasText: 'partner-offer' });

describe('the demo with the page open', () => {
  it('shows the breaker closed, with its calls and its threshold', async () => {
    await page.goto(demo.pageUrl);
    await demo.offers(6);
    await tile('closed').waitFor(PATIENCE);
    await tile('closed').getByText('opens at 3 failures in a row').waitFor(PATIENCE);
    await tile('closed')
      .locator('.number', { hasText: 'calls' })
      .getByText(/^([6-9]|\d\d)$/)
      .waitFor(PATIENCE);
    expect(await page.locator('.pulse').innerText()).toContain('live');
    await screenshot(page, 'demo-1-closed');
  }, 90_000);

  it('shows the partner fail and the circuit open, why, and for whom', async () => {
    await demo.partner(true);
    await demo.offers(8);
    await tile('open').waitFor(PATIENCE);
    const text = await tile('open').innerText();
    // The tile shows the last failure behind the reason.
    expect(text).toMatch(/consecutive failures \(\w+: .+\) 1 of 1 agent/);
    expect(await page.locator('.figure.open').first().innerText()).toMatch(/^1\s+open$/);
    await tile('open').locator('.number.bad', { hasText: 'failed' }).getByText(/^3 · /).waitFor(PATIENCE);
    await screenshot(page, 'demo-2-open');
  }, 90_000);

  it('shows the probe and the close', async () => {
    await demo.partner(false);
    const closed = tile('closed').waitFor(PATIENCE);
    const asking = setInterval(() => void demo.offers(1).catch(() => {}), 250);
    await closed;
    clearInterval(asking);
    await tile('closed').locator('a').click();
    const changes = page.locator('.changes li');
    await changes.nth(2).waitFor(PATIENCE);
    const told = await changes.allInnerTexts();
    expect(told.map((line) => /(\S+) → (\S+)/.exec(line)!.slice(1, 3).join(' → '))).toEqual([
      'half-open → closed',
      'open → half-open',
      'closed → open',
    ]);
    await screenshot(page, 'demo-3-recovered');
  }, 90_000);

  it('shows a threshold that was changed in the file', async () => {
    await page.keyboard.press('Escape');
    demo.threshold(5);
    await tile('closed').getByText('opens at 5 failures in a row').waitFor(PATIENCE);
    await screenshot(page, 'demo-4-threshold');
    await demo.partner(true);
    await demo.offers(8);
    await tile('open').locator('.number.bad', { hasText: 'failed' }).getByText(/^5 · /).waitFor(PATIENCE);
  }, 90_000);

  it('overrides the breaker, in the process too, shows who and why, and ends it', async () => {
    await demo.partner(false);
    const well = setInterval(() => void demo.offers(1).catch(() => {}), 250);
    await tile('closed').waitFor(PATIENCE);
    clearInterval(well);
    await tile('closed').locator('a').click();
    await page.getByRole('button', { name: 'force open …' }).click();
    await page.getByLabel('Why').fill('the partner asked us to stop');
    await screenshot(page, 'override');
    await page.getByRole('button', { name: 'Force open for 15m' }).click();
    const shown = performance.now();
    await tile('open').waitFor(PATIENCE);
    console.log(`forced open in the process, and shown, after ${Math.round(performance.now() - shown)} ms`);
    const line = page.locator('.panel .override-line');
    await line.getByText('the partner asked us to stop').waitFor(PATIENCE);
    expect(await line.innerText()).toContain('by local');
    expect(await tile('open').innerText()).toContain('force open (override)');
    expect(await demo.temperature()).toBe('cold');
    await page.getByRole('navigation').getByRole('link', { name: 'Overrides' }).click();
    await page.locator('td', { hasText: 'default/partner-offer' }).waitFor(PATIENCE);
    await screenshot(page, 'overrides');
    expect(await barriers(page)).toEqual([]);
    await page.locator('main').getByRole('button', { name: 'End now: force open' }).click();
    await page.getByRole('navigation').getByRole('link', { name: 'Board' }).click();
    const asking = setInterval(() => void demo.offers(1).catch(() => {}), 250);
    await tile('closed').waitFor(PATIENCE);
    clearInterval(asking);
    expect(await demo.temperature()).toBe('hot');
  }, 120_000);

  it('shows what each edit of the policy changed', async () => {
    await page.goto(`${demo.pageUrl}?view=policies&policy=default/partner-offer`);
    const edit = page.locator('.edit', { hasText: 'trip.consecutiveFailures' });
    await edit.waitFor(PATIENCE);
    expect(await edit.innerText()).toBe('trip.consecutiveFailures: 3 5');
    const why = 'No rolling back: policy "partner-offer" in namespace "default" comes from a file; write the spec of';
    await page.getByText(why).waitFor(PATIENCE);
    expect(await page.getByRole('button', { name: 'Roll back to revision 1 …' }).isDisabled()).toBe(true);
    await page.getByRole('heading', { name: 'Who has it' }).scrollIntoViewIfNeeded();
    await screenshot(page, 'revisions');
  }, 90_000);

  it('asked no other host, and nothing was refused by the content security policy', () => {
    expect(complaints).toEqual([]);
  });
});
