import { createHash } from 'node:crypto';
import { NAMESPACE_PATTERN } from '../core/policy/namespace.ts';
import { readBoundedFile } from '../files/bounded-file.ts';
import { unreadable } from '../files/unreadable.ts';
import { AuthError, type Authenticator, bearerToken } from '../ports/authenticator.ts';

/** Minimum length of a token, because a shorter one could be guessed. */
const MIN_TOKEN = 16;

export interface TokenFileOptions {
  readonly path: string;
  readonly log: { error(facts: object, message: string): void };
  /** How long the content is used before the file is read again, in ms. Absent: 2000. */
  readonly rereadMs?: number;
}

/**
 * Authenticates agents by a file of lines `token namespace`; blank lines and lines that begin with `#` are skipped. The
 * file is read again as long as agents connect; if it is invalid then, the last valid content stays in force. Labels
 * come from the request of the agent.
 *
 * @throws when the file is unreadable or invalid at the start.
 */
export async function tokenFile({ path, log, rereadMs = 2_000 }: TokenFileOptions): Promise<Authenticator> {
  let namespaces = await read(path);
  let readAt = performance.now();
  let rereading: Promise<void> | undefined;

  async function reread(): Promise<void> {
    try {
      namespaces = await read(path);
    } catch (error) {
      log.error({}, `${(error as Error).message}; the tokens read before stay valid`);
    }
    readAt = performance.now();
    rereading = undefined;
  }

  return {
    method: 'file',
    async identify({ authorization }) {
      const token = bearerToken(authorization);
      if (performance.now() - readAt > rereadMs) rereading ??= reread();
      await rereading;
      const namespace = namespaces.get(digest(token));
      if (namespace === undefined)
        throw new AuthError('bad-token', 'the token is not in the token file of the operator');
      return { namespace };
    },
    labels: async (_identity, claimed) => claimed,
  };
}

async function read(path: string): Promise<ReadonlyMap<string, string>> {
  const text = await readBoundedFile(path, { trust: 'secret' }).catch((error: Error) => {
    throw new Error(`--agent-tokens: ${unreadable(path, error)}; name another file`);
  });
  const namespaces = new Map<string, string>();
  for (const [i, line] of text.toString().split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [token = '', namespace = '', ...more] = line.trim().split(/\s+/);
    const problem =
      token.length < MIN_TOKEN
        ? `a token needs at least ${MIN_TOKEN} characters`
        : !NAMESPACE_PATTERN.test(namespace) || more.length > 0
          ? 'write a token, a space and a namespace'
          : (namespaces.get(digest(token)) ?? namespace) !== namespace
            ? 'a line above gives this token another namespace'
            : undefined;
    if (problem !== undefined) throw new Error(`--agent-tokens: ${path}:${i + 1}: ${problem}`);
    namespaces.set(digest(token), namespace);
  }
  if (namespaces.size === 0)
    throw new Error(`--agent-tokens: ${path} holds no token; write lines of a token and a namespace`);
  return namespaces;
}

/** Tokens are looked up by hash, so that the duration of a lookup reveals nothing about them. */
const digest = (token: string) => createHash('sha256').update(token).digest('base64');
