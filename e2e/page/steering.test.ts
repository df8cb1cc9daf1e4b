import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { ServiceAccount } from '../cluster/cluster.ts';
import { type Act, Shop } from '../processes/shop.ts';
import { startBrowser } from './browser.ts';

jest.setTimeout(240_000);

const PATIENCE = { timeout: 60_000 };
const REASON = 'the partner asked';

let shop: Shop;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
  shop = await Shop.open();
}, 900_000);

afterEach(async () => {
  await page?.context().close();
});

afterAll(async () => {
  await browser?.close();
  await shop?.close();
});

/** Opens the page as somebody, whose token every request carries as `fuseboard ui` lets it, and there the breaker. */
async function look({ token }: ServiceAccount): Promise<void> {
  const context = await browser.newContext({ extraHTTPHeaders: { authorization: `Bearer ${token}` } });
  page = await context.newPage();
  await page.goto(`http://127.0.0.1:${shop.operator.adminPort}/?namespace=shop`);
  await page.locator('.tile a', { hasText: 'payments' }).click(PATIENCE);
}

/** Fills the dialog; then clicks, and resolves once the operator has answered. */
async function forceOpen(duration: string): Promise<Act & { readonly status: number }> {
  await page.getByRole('button', { name: 'force open …' }).click(PATIENCE);
  await page.getByLabel('Why').fill(REASON);
  await page.getByLabel('For how long').selectOption(duration);
  const answered = page.waitForResponse((response) => response.request().method() === 'POST', PATIENCE);
  const begun = Date.now();
  await page.getByRole('button', { name: `Force open for ${duration}` }).click();
  const response = await answered;
  return { begun, done: Date.now(), status: response.status() };
}

it('shows payments forced open from the page in every process within a second', async () => {
  await look(shop.responder);
  const times = await shop.measured('the page', async () => {
    const act = await forceOpen('15m');
    expect(act.status).toBe(201);
    await page.locator('dialog').waitFor({ state: 'detached', ...PATIENCE });
    await page.locator('.panel .override-line').getByText(REASON).waitFor(PATIENCE);
    expect(await shop.overrides()).toMatchObject([{ spec: { reason: REASON } }]);
    return act;
  });
  expect(Math.min(...times)).toBeLessThan(1_000);
});

it('ends by itself in every process with the operator killed, which the page says', async () => {
  await look(shop.responder);
  const lost = page.getByText('Connection lost.').waitFor({ timeout: 120_000 });
  await Promise.all([shop.outlasts(() => forceOpen('1m')), lost]);
});

it('is refused to somebody who may only view, who is told what is missing', async () => {
  await look(shop.viewer);
  const { status } = await forceOpen('15m');
  expect(status).toBe(403);
  const words =
    '"system:serviceaccount:shop:viewer" may not create circuitbreakeroverrides in namespace "shop"; ask for the right, as with a RoleBinding';
  await page.getByRole('alert').getByText(words).waitFor(PATIENCE);
  await shop.untouched();
});

it('shows nothing more to somebody whose right to look was taken away meanwhile', async () => {
  await look(shop.viewer);
  await page.locator('.tile a', { hasText: 'payments' }).waitFor(PATIENCE);
  await shop.cluster.kubectl('delete', 'rolebinding', 'viewer', '-n', 'shop');
  const begun = performance.now();
  const words = '"system:serviceaccount:shop:viewer" may not watch circuitbreakerpolicies in namespace "shop"';
  await page.getByText(words).first().waitFor({ timeout: 180_000 });
  process.stderr.write(
    `a right that was taken away ended the page after ${Math.round(performance.now() - begun)} ms\n`,
  );
});
