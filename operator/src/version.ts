import { readFileSync } from 'node:fs';

/** The folder of this package, with a slash at its end. */
export const PACKAGE = new URL('../', import.meta.url);

/** The version of this package. */
export const VERSION = (JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')) as { version: string })
  .version;
