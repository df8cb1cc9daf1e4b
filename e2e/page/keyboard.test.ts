import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { stringify } from 'yaml';
import { PlainAgent } from '../../operator/test/plain-agent.ts';
import { eventually } from '../cluster/run.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { screenshot } from './screenshots.ts';

const PATIENCE = { timeout: 30_000 };

/** So many agents that an override must be confirmed by name. */
const AGENTS = 12;

let folder: string;
let operator: OperatorProcess;
let url: string;
let agents: PlainAgent[];
let browser: Browser;
let page: Page;
let reporting: NodeJS.Timeout;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-keyboard-'));
  for (const name of ['payments', 'search']) {
    const annotations = {
      'fuseboard.dev/runbook': 'https://wiki.test/breakers?name={breaker}',
      'fuseboard.dev/logs': 'javascript:alert(1)',
    };
    const metadata = { name, namespace: 'shop', ...(name === 'payments' && { annotations }) };
    const spec = { breakers: [name], trip: { consecutiveFailures: 3 } };
    const object = { apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy', metadata, spec };
    writeFileSync(join(folder, `${name}.yaml`), stringify(object));
  }
  operator = await OperatorProcess.start('--policies', folder);
  url = `http://127.0.0.1:${operator.adminPort}`;
  agents = [];
  for (let i = 1; i <= AGENTS; i += 1) {
    const service = i <= 8 ? 'checkout' : 'storefront';
    agents.push(await new PlainAgent(operator.url, 'shop', service, `${service}-${i}`).join());
  }
  const report = () =>
    Promise.all(
      agents.map((agent) => agent.report({ payments: { succeeded: 9, failed: 1 }, search: { succeeded: 4 } })),
    ).catch(() => {});
  await report();
  reporting = setInterval(() => void report(), 1_000);
  browser = await startBrowser();
  const context = await browser.newContext({
    viewport: { width: 1_280, height: 800 },
    colorScheme: 'dark',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  page = await context.newPage();
}, 120_000);

afterAll(async () => {
  clearInterval(reporting);
  await browser?.close();
  for (const agent of agents ?? []) agent.close();
  await operator?.end();
  rmSync(folder, { recursive: true, force: true });
});

const focusedText = async () => String(await page.evaluate('document.activeElement?.textContent')).trim();

/** Presses Tab until an element with this text has the focus. */
async function tabTo(text: string): Promise<void> {
  for (let i = 0; i < 25; i += 1) {
    if ((await focusedText()) === text) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`"${text}" cannot be reached with Tab`);
}

const overrides = async () =>
  ((await (await fetch(`${url}/v1/overrides`)).json()) as { items: { action: string }[] }).items;

it('finds a breaker, forces it open and undoes that, without a pointer', async () => {
  await page.goto(`${url}/`);
  await page.locator('.tiles > li').nth(1).waitFor(PATIENCE);
  await page.keyboard.press('/');
  await page.keyboard.type('pay');
  await eventually(async () => (await page.locator('.tiles > li').count()) === 1);
  await page.keyboard.press('ArrowDown');
  await eventually(async () => (await focusedText()) === 'payments');
  await page.keyboard.press('Enter');
  await page.locator('.panel').waitFor(PATIENCE);
  await page.getByRole('button', { name: 'force open …' }).waitFor(PATIENCE);
  await tabTo('force open …');
  await page.keyboard.press('Enter');
  const dialog = page.locator('dialog');
  await dialog.getByText('8 checkout and 4 storefront agents').waitFor(PATIENCE);
  await dialog.getByText(/Each call, \d+ calls\/s at the moment, is refused at once/).waitFor(PATIENCE);
  await page.keyboard.type('the partner asked us to stop');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  const submit = page.getByRole('button', { name: 'Force open for 15m' });
  expect(await submit.isDisabled()).toBe(true);
  await page.keyboard.type('payments');
  await eventually(async () => !(await submit.isDisabled()));
  expect(await barriers(page)).toEqual([]);
  await screenshot(page, 'confirm');
  await page.keyboard.press('Enter');
  await eventually(async () => (await focusedText()) === 'Undo');
  expect(await overrides()).toMatchObject([{ action: 'ForceOpen' }]);
  await screenshot(page, 'undo');
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await page.getByText('Undone: payments is no longer forced open.').waitFor(PATIENCE);
  expect(await overrides()).toEqual([]);
}, 120_000);

it('gives the same override as a command to copy', async () => {
  await page.getByRole('button', { name: 'force open …' }).click();
  await page.getByLabel('Why').fill("it's down");
  await page.getByText('The same as a command').click();
  await page.getByRole('button', { name: 'Copy the command' }).click();
  await page.getByText('Copied.').waitFor(PATIENCE);
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
    `fuseboard force-open payments -n shop --for 15m --reason 'it'\\''s down'`,
  );
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
}, 60_000);

it('links to what the policy names, and to no unsafe place', async () => {
  const link = page.getByRole('link', { name: 'runbook' });
  expect(await link.getAttribute('href')).toBe('https://wiki.test/breakers?name=payments');
  expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
  await page.getByText('fuseboard.dev/logs is no http or https URL').waitFor(PATIENCE);
});

it('shows the keys, and moves in lists with them', async () => {
  await page.keyboard.press('Escape');
  await page.locator('.panel').waitFor({ state: 'detached', ...PATIENCE });
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor(PATIENCE);
  await screenshot(page, 'help');
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached', ...PATIENCE });
  await page.goto(`${url}/?view=agents`);
  await page.locator('tbody tr').nth(11).waitFor(PATIENCE);
  await page.keyboard.press('ArrowDown');
  await eventually(async () => (await focusedText()) === 'shop/checkout-1');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.panel').getByRole('heading', { name: 'checkout-2' }).waitFor(PATIENCE);
  await page.keyboard.press('Escape');
  await eventually(async () => (await focusedText()) === 'shop/checkout-2');
}, 60_000);
