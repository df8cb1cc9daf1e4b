import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openAccess } from '../../operator/src/auth/open-access.ts';
import { readConfig } from '../../operator/src/config/config.ts';
import type { Policy } from '../../operator/src/core/policy/policy.ts';
import type { ResourceAttributes, UserInfo } from '../../operator/src/ports/access.ts';
import { AuthError } from '../../operator/src/ports/authenticator.ts';
import { serve } from '../../operator/src/serve.ts';
import { FLAGS, localAdapters } from '../../operator/test/local-operator.ts';
import { MemorySource, policy } from '../../operator/test/memory-source.ts';
import { PlainAgent } from '../../operator/test/plain-agent.ts';
import { eventually } from '../cluster/run.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { Scenery } from './scenery.ts';
import { screenshot } from './screenshots.ts';

const PATIENCE = { timeout: 30_000 };

/** Long enough for plots that are full, where they are for the docs. */
const WARM_UP_MS = process.env.FUSEBOARD_SCREENSHOTS === 'write' ? 100_000 : 6_000;

let browser: Browser;
let page: Page;
let folder: string;
let complaints: string[];

beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-page-'));
}, 60_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function look(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1_280, height: 800 },
    colorScheme: 'dark',
    ...options,
  });
  const opened = await context.newPage();
  opened.on('pageerror', (error) => complaints.push(String(error)));
  opened.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  page = opened;
  await opened.goto(url);
  return opened;
}

beforeEach(() => {
  complaints = [];
});

afterEach(async () => {
  await page?.context().close();
  expect(complaints).toEqual([]);
});

const see = (text: string | RegExp) => page.getByText(text).first().waitFor(PATIENCE);

/** Waits until the tile with this id has the focus. */
const focused = (id: string | null) =>
  eventually(async () => (await page.evaluate('document.activeElement?.getAttribute("data-opens")')) === id);

describe('the page of a fleet', () => {
  let operator: OperatorProcess;
  let scenery: Scenery;
  let url: string;
  let reporting: NodeJS.Timeout;

  beforeAll(async () => {
    scenery = new Scenery(join(folder, 'policies'));
    operator = await OperatorProcess.start('--policies', scenery.folder);
    url = `http://127.0.0.1:${operator.adminPort}/`;
    await scenery.join(operator.url);
    for (let i = 0; i < 3; i += 1) await scenery.report();
    reporting = setInterval(() => void scenery.report().catch(() => {}), 1_000);
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  }, 180_000);

  afterAll(async () => {
    clearInterval(reporting);
    scenery?.close();
    await operator?.end();
  });

  it('puts the worst first, and says why, since when and for whom', async () => {
    await look(url);
    await page.locator('.tiles > li').nth(8).waitFor(PATIENCE);
    const texts = await page.locator('.tiles > li').allInnerTexts();
    expect(texts.map((text) => /open in shadow|half-open|open|closed|no agent/.exec(text)![0]).slice(0, 4)).toEqual([
      'open',
      'half-open',
      'open in shadow',
      'closed',
    ]);
    expect(texts[0]).toContain('payments');
    expect(texts[0]).toContain('failure rate');
    // Named in the order in which they reported.
    expect(texts[0]).toMatch(/3 of 5 agents: checkout-7d9f-[123], checkout-7d9f-[123] and 1 more/);
    expect(texts[0]).toContain('opens at 50 % failed of ≥ 20 calls');
    expect(await page.locator('.tile .age').allInnerTexts()).toEqual(
      [1, 2, 3].map(() => expect.stringMatching(/^data /)),
    );
    expect(await page.locator('.breaker-line').count()).toBe(texts.length - 3);
    await screenshot(page, 'board');
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('looks as well in light', async () => {
    await look(url, { colorScheme: 'light' });
    await page.locator('.tiles > li').nth(8).waitFor(PATIENCE);
    await screenshot(page, 'board-light');
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('can be read on a phone', async () => {
    await look(url, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
    await page.locator('.tile.open').first().waitFor(PATIENCE);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    await screenshot(page, 'phone');
    await page.locator('.tile.open a').first().click();
    await see('Against its threshold');
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('can be read at a zoom of 200 %, where the page scrolls and nothing is cut off', async () => {
    await look(url, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
    await page.locator('.tile.open').first().waitFor(PATIENCE);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    await screenshot(page, 'zoom-200');
    expect(await barriers(page)).toEqual([]);
    await page.locator('.tile.open a').first().click();
    await see('Against its threshold');
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('keeps states and what is chosen in forced colours', async () => {
    await look(url, { forcedColors: 'active' });
    await page.locator('.tiles > li').nth(8).waitFor(PATIENCE);
    const borders = (await page.evaluate(
      `[...document.querySelectorAll('.badge')].map((one) => getComputedStyle(one).borderTopStyle)`,
    )) as string[];
    expect(new Set(borders)).toEqual(new Set(['solid']));
    await page.locator('.tile.open a').first().click();
    await see('Against its threshold');
    await screenshot(page, 'forced-colours');
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('fills a screen on a wall with what is not well, until Escape', async () => {
    await look(`${url}?wall=1`, { viewport: { width: 1_920, height: 1_080 } });
    await page.locator('.tile.open').first().waitFor(PATIENCE);
    expect(await page.locator('.tiles > li').count()).toBe(3);
    await screenshot(page, 'wall');
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.locator('.breaker-line').first().waitFor(PATIENCE);
    expect(page.url()).toBe(url);
  }, 90_000);

  it('groups the board by namespace and by dependency', async () => {
    await look(url);
    await page.locator('.glance').getByRole('link', { name: 'namespace' }).click();
    await page.locator('.group-heading').nth(1).waitFor(PATIENCE);
    expect(await page.locator('.group-heading').allInnerTexts()).toEqual(['shop', 'billing']);
    await screenshot(page, 'grouped');
    expect(await barriers(page)).toEqual([]);
    await page.locator('.tile a').first().focus();
    await page.keyboard.press('End');
    await focused(await page.locator('.tiles a').last().getAttribute('data-opens'));
    await page.locator('.glance').getByRole('link', { name: 'dependency' }).click();
    await page.locator('.group-heading', { hasText: 'payments' }).waitFor(PATIENCE);
    expect(page.url()).toBe(`${url}?group=dependency`);
  }, 90_000);

  it('counts what is open in title and icon of the tab', async () => {
    await look(url);
    await eventually(async () => (await page.title()) === '(1 open) Fuseboard');
    const icon = await page.locator('link[rel=icon]').getAttribute('href');
    expect(decodeURIComponent(icon!)).toContain('>1</text>');
  }, 90_000);

  it('opens a breaker: its plot, its threshold, the agents that are hit, and what happened', async () => {
    await look(url);
    await page.locator('.tile.open a').first().click();
    const panel = page.locator('.panel');
    await panel.getByText('closed → open').first().waitFor(PATIENCE);
    await panel.locator('canvas').waitFor(PATIENCE);
    await panel.getByRole('link', { name: 'checkout-7d9f-5' }).waitFor(PATIENCE);
    expect(await panel.locator('table:not(.u-legend) tbody tr').count()).toBe(5);
    expect(await panel.locator('table:not(.u-legend) tbody tr').first().innerText()).toContain('open');
    await screenshot(page, 'breaker');
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('opens a policy: spec, conditions, who has which version, and who cannot use it', async () => {
    await look(`${url}?view=policies`);
    await page.locator('tbody tr').nth(9).waitFor(PATIENCE);
    expect(await page.locator('tbody tr').first().innerText()).toContain('shop/legacy');
    await screenshot(page, 'policies');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('link', { name: 'billing/mail' }).click();
    const panel = page.locator('.panel');
    await panel.getByText('this agent knows no Count window').last().waitFor(PATIENCE);
    await panel.getByText('window:').waitFor(PATIENCE);
    await panel.getByText('Programmed').first().waitFor(PATIENCE);
    await screenshot(page, 'policy');
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('opens an agent: which policy governs what, and why', async () => {
    await look(`${url}?view=agents`);
    await page.getByRole('link', { name: 'shop/storefront-7d9f-1' }).waitFor(PATIENCE);
    await screenshot(page, 'agents');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('link', { name: 'shop/storefront-7d9f-1' }).click();
    await page.locator('summary', { hasText: 'partner-offers' }).click();
    await see(/matches by the prefix "partner-\*"/);
    await screenshot(page, 'agent');
    expect(await barriers(page)).toEqual([]);
  }, 90_000);

  it('keeps filters and search in its address', async () => {
    await look(`${url}?q=pay`);
    await page.locator('.tile', { hasText: 'payments' }).waitFor(PATIENCE);
    expect(await page.locator('.tile').count()).toBe(1);
    await page.keyboard.press('/');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('inventory');
    await page.locator('.tile', { hasText: 'inventory' }).waitFor(PATIENCE);
    expect(page.url()).toBe(`${url}?q=inventory`);
    await page.keyboard.press('Escape');
    await page
      .getByRole('link', { name: /half-open/ })
      .first()
      .click();
    expect(page.url()).toBe(`${url}?state=half-open`);
    await page.locator('.tile.half-open').waitFor(PATIENCE);
    expect(await page.locator('.tile').count()).toBe(1);
    await page.reload();
    await page.locator('.tile.half-open').waitFor(PATIENCE);
    await page.keyboard.press('/');
    await page.keyboard.type('no such thing');
    await see('Nothing matches');
    await screenshot(page, 'nothing-matches');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.locator('.tiles > li').nth(8).waitFor(PATIENCE);
  }, 90_000);

  it('can be used with the keyboard alone', async () => {
    await look(url);
    await page.locator('.tiles > li').nth(8).waitFor(PATIENCE);
    await page.locator('.tile a').first().focus();
    await page.keyboard.press('ArrowRight');
    const second = await page.locator('.tiles a').nth(1).getAttribute('data-opens');
    await focused(second);
    await page.keyboard.press('Enter');
    await see('Against its threshold');
    expect(await page.evaluate('document.activeElement?.id')).toBe('panel-title');
    await page.keyboard.press('Escape');
    await page.locator('.panel').waitFor({ state: 'detached', ...PATIENCE });
    await focused(second);
    await page.keyboard.press('End');
    await focused(await page.locator('.tiles a').last().getAttribute('data-opens'));
  }, 90_000);

  it('shows one namespace, and says so', async () => {
    await look(`${url}?namespace=billing`);
    await page.locator('.tile', { hasText: 'ledger' }).waitFor(PATIENCE);
    expect(await page.locator('.tile', { hasText: 'payments' }).count()).toBe(0);
    await see('namespace billing');
  }, 90_000);

  it('says when policies cannot be read, and when they can again', async () => {
    await look(url);
    await page.locator('.tile').first().waitFor(PATIENCE);
    renameSync(scenery.folder, `${scenery.folder}-away`);
    await see('Policies cannot be read.');
    await screenshot(page, 'outage');
    expect(await barriers(page)).toEqual([]);
    renameSync(`${scenery.folder}-away`, scenery.folder);
    await page.getByText('Policies cannot be read.').waitFor({ state: 'detached', ...PATIENCE });
  }, 90_000);

  it('shows a breaker whose agents fell silent as stale', async () => {
    await look(url);
    await page.locator('.stale', { hasText: 'mail' }).waitFor({ timeout: 60_000 });
    expect(await page.locator('.tiles > li.stale').count()).toBe(1);
    expect(await page.locator('.stale .badge').innerText()).toMatch(/silent|no agent/);
  }, 90_000);

  it('shows that the connection is lost, lets nothing look fresh, and heals by itself', async () => {
    await look(url);
    await page.locator('.tiles > li').nth(8).waitFor(PATIENCE);
    operator.pause();
    const begun = performance.now();
    await see('Connection lost.');
    console.log(`a lost connection was shown after ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
    expect(await page.locator('.tiles > li:not(.stale)').count()).toBe(0);
    expect(await page.locator('.pulse').innerText()).toBe('not connected');
    await screenshot(page, 'lost');
    expect(await barriers(page)).toEqual([]);
    operator.resume();
    await page.getByText('Connection lost.').waitFor({ state: 'detached', ...PATIENCE });
    await page.locator('.tile.open:not(.stale)').first().waitFor(PATIENCE);
  }, 90_000);
});

describe('the page of an operator without anything', () => {
  it('says what is missing, and what to do', async () => {
    const operator = await OperatorProcess.start('--policies', mkdtempSync(join(folder, 'none-')));
    try {
      const url = `http://127.0.0.1:${operator.adminPort}/`;
      await look(url);
      await see('No breaker has reported yet');
      await screenshot(page, 'empty');
      expect(await barriers(page)).toEqual([]);
      await page.getByRole('navigation').getByRole('link', { name: 'Policies' }).click();
      await see('There is no policy yet');
      await page.getByRole('navigation').getByRole('link', { name: 'Agents' }).click();
      await see('No agent has connected yet');
    } finally {
      await operator.end();
    }
  }, 90_000);

  it('says that it reads, and that it cannot reach the operator', async () => {
    const operator = await OperatorProcess.start('--policies', mkdtempSync(join(folder, 'none-')));
    try {
      const context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, colorScheme: 'dark' });
      page = await context.newPage();
      let answer: 'never' | 'refused' | 'usual' = 'never';
      await page.route('**/v1/watch', (route) =>
        answer === 'usual' ? route.continue() : answer === 'refused' ? route.abort('connectionrefused') : undefined,
      );
      await page.goto(`http://127.0.0.1:${operator.adminPort}/`);
      await see('Reading the state of the fleet');
      await screenshot(page, 'loading');
      expect(await barriers(page)).toEqual([]);
      answer = 'refused';
      await see('The operator cannot be reached');
      await screenshot(page, 'unreachable');
      expect(await barriers(page)).toEqual([]);
      answer = 'usual';
      await see('No breaker has reported yet');
    } finally {
      await operator.end();
    }
  }, 90_000);

  /** An operator in this process with these policies, which it has read, for people who may do only this. */
  async function serveTo(allowed: (attributes: ResourceAttributes) => boolean, policies: readonly Policy[]) {
    const access = {
      ...openAccess,
      check: async (_: UserInfo, attributes: ResourceAttributes) => {
        if (allowed(attributes)) return;
        throw new AuthError(
          'not-watched',
          `support may not ${attributes.verb} ${attributes.resource} in all namespaces`,
        );
      },
    };
    const log = pino({ level: 'silent' });
    const source = new MemorySource();
    const serving = await serve(readConfig(FLAGS), { ...(await localAdapters(log)), source, access }, log);
    source.set(policies);
    await eventually(async () => (await fetch(`${serving.metricsUrl}/readyz`)).ok);
    return serving;
  }

  it('says who may not see it, and why', async () => {
    const serving = await serveTo(() => false, []);
    try {
      await look(`${serving.adminUrl}/`);
      await see('support may not watch circuitbreakerpolicies in all namespaces');
      await screenshot(page, 'refused');
      expect(await barriers(page)).toEqual([]);
    } finally {
      await page.context().close();
      await serving.stop(0);
    }
  }, 90_000);

  it('says so to somebody who may look and not act', async () => {
    const serving = await serveTo(({ verb }) => verb !== 'create', [policy('payments')]);
    const agent = new PlainAgent(serving.agentsUrl, 'default', 'checkout', 'checkout-1');
    try {
      await agent.join();
      await agent.report({ payments: { succeeded: 3 } });
      await look(`${serving.adminUrl}/`);
      await page.locator('.tile a').click();
      await page.getByRole('button', { name: 'force open …' }).click();
      await page.getByLabel('Why').fill('I would like to');
      await page.getByRole('button', { name: 'Force open for 15m' }).click();
      await page.getByRole('alert').getByText('support may not create circuitbreakeroverrides').waitFor(PATIENCE);
      expect(await barriers(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached', ...PATIENCE });
      expect(await page.locator('.panel').count()).toBe(1);
    } finally {
      await page.context().close();
      agent.close();
      await serving.stop(0);
    }
  }, 90_000);
});
