import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { retryAfterMs } from '../../agent/src/core/retry-after.ts';
import { readSettings } from '../../agent/src/link/settings/settings.ts';
import { readCredentials } from '../../agent/src/link/stream.ts';
import { must, type Target } from '../target.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuseboard-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const lines = (...texts: string[]) => texts.map((text) => Buffer.from(text));

/** The environment of an agent. */
export const environment: Target = {
  name: 'environment',
  corpus: lines('app=checkout,tier=web', 'https://fuseboard.fuseboard-system:8443', 'a=b, c = d ,,e=', 'true'),
  share: 40,
  run(input) {
    const text = input.toString();
    const env = { FUSEBOARD_URL: text, FUSEBOARD_LABELS: text, FUSEBOARD_SERVICE: text, FUSEBOARD_DISABLED: text };
    const { url, labels, service, problems } = readSettings({}, env, { operator: '', account: '', cache: '' });
    must(url === undefined || /^https?:$/.test(url.protocol), `the operator would be at ${url}`);
    must(service.length <= 253, 'the name of the service is too long');
    must(Object.getPrototypeOf(labels) === Object.prototype, 'labels have another prototype');
    must(
      Object.values(labels).every((value) => typeof value === 'string'),
      'a label is no text',
    );
    return { sound: problems.length === 0, made: JSON.stringify(labels).length };
  },
};

/** The token that an agent sends: what is no header must not become one. */
export const agentToken: Target = {
  name: 'agent-token',
  corpus: lines('eyJhbGciOi.eyJhdWQiOi.c2ln\n', 'abc', ' \n\t'),
  share: 10,
  run(input) {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, input);
    let headers: Readonly<Record<string, string>>;
    try {
      headers = readCredentials({ url: new URL('http://localhost'), tokenFile }).headers;
    } catch (error) {
      must(/contains invalid characters/.test((error as Error).message), `${error}`);
      return { sound: false };
    }
    must(/^[\x20-\x7e]*$/.test(headers.authorization ?? ''), 'a header has characters that break it');
    return { sound: headers.authorization !== undefined };
  },
};

/** What a dependency answers to the service of an agent. */
export const retryAfter: Target = {
  name: 'retry-after',
  corpus: lines('120', '0', 'Fri, 31 Dec 1999 23:59:59 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT', '1, 2', '999999999'),
  share: 100,
  run(input) {
    const header = input.toString('latin1');
    let longest = 0;
    for (const headers of [{ 'retry-after': header }, { 'Retry-After': header }, { get: () => header }]) {
      for (const outcome of [{ headers }, { response: { headers } }, Object.assign(new Error('x'), { headers })]) {
        const ms = retryAfterMs(outcome, () => 1_790_000_000_000);
        must(Number.isFinite(ms) && ms >= 0, `waits ${ms} ms`);
        longest = Math.max(longest, ms);
      }
    }
    return { sound: longest > 0 };
  },
};
