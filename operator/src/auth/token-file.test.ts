import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { tokenFile } from './token-file.ts';

const SHOP = 'shop-0123456789abcdef';
const BANK = 'bank-0123456789abcdef';

let folder: string;
let path: string;
let errors: string[];
const log = { error: (_facts: object, message: string) => void errors.push(message) };
const asked = (token: string) => ({ authorization: `Bearer ${token}`, namespace: 'claimed', address: '' });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  path = join(folder, 'tokens');
  errors = [];
});
afterEach(() => rm(folder, { recursive: true }));

it('takes the namespace from the file and never from the agent', async () => {
  await writeFile(path, `# services\n\n${SHOP} shop\n${BANK}\tbank\n`);
  const file = await tokenFile({ path, log });
  expect(await file.identify(asked(SHOP), 'stream')).toEqual({ namespace: 'shop' });
  expect(await file.identify(asked(BANK), 'report')).toEqual({ namespace: 'bank' });
  expect(await file.labels({ namespace: 'shop' }, { app: 'web' })).toEqual({ app: 'web' });
});

it.each([
  [undefined, 'no-token'],
  ['Basic abc', 'no-token'],
  ['Bearer', 'no-token'],
  ['Bearer made-up-0123456789', 'bad-token'],
])('refuses %p as %s', async (authorization, reason) => {
  await writeFile(path, `${SHOP} shop\n`);
  const file = await tokenFile({ path, log });
  await expect(file.identify({ authorization, namespace: 'shop', address: '' }, 'stream')).rejects.toMatchObject({
    reason,
    status: 401,
  });
});

it.each([
  ['short shop', ':1: a token needs at least 16 characters'],
  [`# a\n${SHOP}`, ':2: write a token, a space and a namespace'],
  [`${SHOP} Shop`, ':1: write a token, a space and a namespace'],
  [`${SHOP} shop bank`, ':1: write a token, a space and a namespace'],
  [`${SHOP} shop\n${SHOP} bank`, ':2: a line above gives this token another namespace'],
  ['# none', ' holds no token'],
])('refuses the file %j and names the line', async (text, message) => {
  await writeFile(path, text);
  await expect(tokenFile({ path, log })).rejects.toThrow(message);
});

it('follows the file, and keeps what it read last while the file cannot be used', async () => {
  await writeFile(path, `${SHOP} shop\n`);
  const file = await tokenFile({ path, log, rereadMs: -1 });
  await writeFile(path, `${BANK} bank\n`);
  expect(await file.identify(asked(BANK), 'stream')).toEqual({ namespace: 'bank' });
  await expect(file.identify(asked(SHOP), 'stream')).rejects.toMatchObject({ reason: 'bad-token' });
  await rm(path);
  expect(await file.identify(asked(BANK), 'stream')).toEqual({ namespace: 'bank' });
  expect(errors).toEqual([
    expect.stringMatching(/^--agent-tokens: cannot read .*: there is no such file.*the tokens read before stay valid$/),
  ]);
});
