import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { ServiceAccount } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { Shop } from '../processes/shop.ts';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { screenshot } from './screenshots.ts';

jest.setTimeout(240_000);

const PATIENCE = { timeout: 60_000 };

let shop: Shop;
let browser: Browser;
let page: Page;
let complaints: string[];

const apply = (failures: number, extra: object = {}) =>
  shop.cluster.apply(
    policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures: failures }, ...extra }),
  );

const threshold = async () => {
  const spec = (await shop.services[0]!.stats('payments')).policy?.spec as
    | { readonly trip?: { readonly consecutiveFailures?: number } }
    | undefined;
  return spec?.trip?.consecutiveFailures;
};

const runs = (failures: number) => eventually(async () => expect(await threshold()).toBe(failures), 60_000);

const recorded = (count: number) =>
  eventually(async () => {
    const path = '/v1/policies/shop/payments/history';
    const { items } = await shop.operator.admin<{ items: object[] }>(path, shop.viewer.token);
    expect(items).toHaveLength(count);
  }, 60_000);

beforeAll(async () => {
  browser = await startBrowser();
  shop = await Shop.open();
  await apply(3);
  await recorded(1);
  await apply(30, { timeout: { duration: '2s' } });
  await recorded(2);
}, 900_000);

beforeEach(() => {
  complaints = [];
});

afterEach(async () => {
  await page?.context().close();
  expect(complaints).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await shop?.close();
});

/** Opens the page as somebody, and there the policy. */
async function look({ token }: ServiceAccount): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: 1_280, height: 800 },
    colorScheme: 'dark',
    extraHTTPHeaders: { authorization: `Bearer ${token}` },
  });
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`http://127.0.0.1:${shop.operator.adminPort}/?namespace=shop&view=policies&policy=shop/payments`);
  await back(1).waitFor(PATIENCE);
}

const back = (revision: number) => page.getByRole('button', { name: `Roll back to revision ${revision} …` });
const enabled = (revision: number) => eventually(async () => await back(revision).isEnabled(), 60_000);
const edits = async () => (await page.locator('dialog .edit').allInnerTexts()).sort();

it('is not offered to somebody who may only view, who is told why', async () => {
  await look(shop.viewer);
  const why =
    'No rolling back: "system:serviceaccount:shop:viewer" may not update circuitbreakerpolicies in namespace "shop"; ask for the right, as with a RoleBinding';
  await page.getByText(why).waitFor(PATIENCE);
  expect(await back(1).isDisabled()).toBe(true);
  expect(await back(2).count()).toBe(0);
  await page.getByRole('heading', { name: 'Who has it' }).scrollIntoViewIfNeeded();
  await screenshot(page, 'rollback-refused');
  expect(await barriers(page)).toEqual([]);
});

it('changes nothing until it was confirmed, and can be left with the keyboard', async () => {
  await look(shop.editor);
  await enabled(1);
  await back(1).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Roll shop/payments back to revision 1' }).waitFor(PATIENCE);
  expect(await edits()).toEqual(['timeout: duration: 2s absent', 'trip.consecutiveFailures: 30 3']);
  await screenshot(page, 'rollback');
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached', ...PATIENCE });
  expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Roll back to revision 1 …');
  expect(await page.locator('.panel').count()).toBe(1);
  await runs(30);
});

it('shows what else was changed while somebody looks, and says what the API server refuses', async () => {
  await look(shop.editor);
  await enabled(1);
  await back(1).click();
  await apply(12);
  await eventually(async () => expect(await edits()).toEqual(['trip.consecutiveFailures: 12 3']), 60_000);
  await page.route('**/rollback', (route) =>
    route.fulfill({ status: 409, json: { error: 'policy "payments" has changed' } }),
  );
  await page.getByRole('button', { name: 'Roll back to revision 1', exact: true }).click();
  await page.getByRole('alert').getByText('policy "payments" has changed').waitFor(PATIENCE);
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('dialog').waitFor({ state: 'detached', ...PATIENCE });
  await recorded(3);
});

it('gives running processes the spec of a revision again, with the keyboard alone', async () => {
  await look(shop.editor);
  await enabled(1);
  await back(1).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor(PATIENCE);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('status').getByText('Rolled back to revision 1; agents take it now.').waitFor(PATIENCE);
  await runs(3);
  await page.locator('.changes li', { hasText: 'revision 4' }).getByText('now').waitFor(PATIENCE);
  expect(await page.locator('.changes li', { hasText: 'revision 4' }).locator('.edit').allInnerTexts()).toEqual([
    'trip.consecutiveFailures: 12 3',
  ]);
  expect(await barriers(page)).toEqual([]);
});
