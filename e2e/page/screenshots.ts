import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const root = (path: string) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

/** Where the screenshots of the docs lie, and where those of a usual run go. */
const DOCS = root('docs/screenshots');
const CACHE = root('.cache/screenshots');

/**
 * Takes a screenshot: into the docs when FUSEBOARD_SCREENSHOTS=write, else beside them, so that a test leaves no
 * change.
 *
 * @throws Error when the docs have no such screenshot.
 */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.FUSEBOARD_SCREENSHOTS === 'write' ? DOCS : CACHE;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
  if (existsSync(join(DOCS, `${name}.png`))) return;
  throw new Error(`docs/screenshots/${name}.png is missing; run FUSEBOARD_SCREENSHOTS=write npm run test:page`);
}
