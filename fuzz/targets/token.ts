import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenFile } from '../../operator/src/auth/token-file.ts';
import { protectBrowsers } from '../../operator/src/http/admin/browser.ts';
import { expiryOf } from '../../operator/src/kube/auth/token.ts';
import { AuthError, bearerToken } from '../../operator/src/ports/authenticator.ts';
import { Problem } from '../../operator/src/ports/problem.ts';
import { asLines, must, type Target } from '../target.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuseboard-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const texts = (...given: string[]) => given.map((text) => Buffer.from(text));
const claims = Buffer.from('{"exp":1790000000,"aud":["fuseboard"]}').toString('base64url');

/** The header that tells who somebody is. */
export const authorization: Target = {
  name: 'authorization',
  corpus: texts(`Bearer h.${claims}.s`, 'bearer  abc', 'Basic YTpi', `Bearer h.${claims}`, 'Bearer'),
  share: 80,
  run(input) {
    let token: string;
    try {
      token = bearerToken(input.toString('latin1'));
    } catch (error) {
      must(error instanceof AuthError && error.status === 401, `${(error as Error).stack}`);
      return { sound: false };
    }
    must(/^[\x21-\x7e]+$/.test(token), 'a token contains invalid characters');
    const expires = expiryOf(token);
    must(expires === undefined || typeof expires === 'number', `expires at ${expires}`);
    return { sound: expires !== undefined };
  },
};

/** The file of tokens of an operator without a cluster. */
export const agentTokens: Target = {
  name: 'token-file',
  corpus: texts(
    '# services\n\nshop-0123456789abcdef shop\nbank-0123456789abcdef\tbank\n',
    'a-token-of-16-char default',
  ),
  share: 10,
  mutate: asLines,
  async run(input) {
    const path = join(folder, 'tokens');
    writeFileSync(path, input);
    try {
      const authenticator = await tokenFile({ path, log: { error: () => {} }, rereadMs: 60_000 });
      await authenticator
        .identify({ authorization: 'Bearer nobody-0123456789', address: '127.0.0.1', namespace: 'shop' }, 'stream')
        .then(
          () => must(false, 'a token that is not in the file is taken'),
          (error) => must(error instanceof AuthError, `${(error as Error).stack}`),
        );
      return { sound: true };
    } catch (error) {
      must(/^--agent-tokens: /.test((error as Error).message), `${(error as Error).stack}`);
      return { sound: false };
    }
  },
};

/** Where a browser says that it comes from, one header a line. */
export const origin: Target = {
  name: 'origin',
  corpus: texts(
    'localhost:8702\nhttp://localhost:8702\nsame-origin\napplication/json',
    '127.0.0.1:8702\nhttps://evil.example\ncross-site\ntext/plain',
    '[::1]:8702\nnull\nnone\napplication/json; charset=utf-8',
  ),
  share: 60,
  mutate: asLines,
  run(input) {
    const [host, from, site, type] = input.toString('latin1').split('\n');
    const headers: Record<string, string | undefined> = {
      host,
      origin: from,
      'sec-fetch-site': site,
      'content-type': type,
    };
    const request = { method: 'POST', path: '/v1/x', get: (name: string) => headers[name] };
    let passed = false;
    try {
      protectBrowsers({ open: true })(request as never, {} as never, () => {
        passed = true;
      });
    } catch (error) {
      must(error instanceof Problem, `${(error as Error).stack}`);
    }
    if (!passed) return { sound: false };
    must(/^(localhost|127[\d.x]*|\[::1\]|[\d.x]+)(:\d*)?$/i.test(host!), `${host} passes for this machine`);
    must(from === undefined || URL.parse(from)?.host === host?.toLowerCase(), `${from} passes for our own page`);
    must(/^application\/json/i.test(type ?? ''), `${type} passes for JSON`);
    return { sound: true };
  },
};
