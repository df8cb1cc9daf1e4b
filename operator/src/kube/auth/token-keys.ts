import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { KubeClient, type KubeError } from '../api/client.ts';

/**
 * The result of a signature check. `unknown`: the token names no known key, so only the API server can decide.
 * `subject` is the account and the pod of a genuine token, which may still be expired or revoked.
 */
export type Signature =
  | { readonly is: 'genuine'; readonly subject: string }
  | { readonly is: 'forged' }
  | { readonly is: 'unknown' };

/** Detects forged tokens without a request to the API server. */
export interface TokenSignatures {
  check(token: string): Signature;
}

export interface TokenKeysOptions {
  readonly kubeConfig: KubeConfig;
  readonly log: { info(facts: object, message: string): void };
  /** The current time, in milliseconds since 1970; absent: the system clock. */
  readonly now?: () => number;
}

/** The API server publishes the keys of ServiceAccount tokens here. By default, every ServiceAccount may read them. */
const KEYS_PATH = '/openid/v1/jwks';

/** The only type in which the API server publishes them. */
const KEYS_TYPE = 'application/jwk-set+json';

/** Minimum time between two reads, so that forged tokens with invented key ids cause at most one request in 10 s. */
const READ_EVERY_MS = 10_000;

const UNKNOWN: Signature = { is: 'unknown' };
const FORGED: Signature = { is: 'forged' };

const Keys = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })).max(100) });
const Header = z.object({ alg: z.string(), kid: z.string() });
const Claims = z.object({
  sub: z.string(),
  'kubernetes.io': z.looseObject({ pod: z.looseObject({ uid: z.string() }).optional() }).optional(),
});

/** The digest of each signature algorithm of an API server, by key type. */
const DIGESTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  RSA: { RS256: 'RSA-SHA256', RS384: 'RSA-SHA384', RS512: 'RSA-SHA512' },
  EC: { ES256: 'SHA256', ES384: 'SHA384', ES512: 'SHA512' },
};

interface Key {
  readonly type: string;
  readonly key: KeyObject;
}

/**
 * The keys with which the API server signs ServiceAccount tokens. They are read when a token names an unknown key.
 * Until they have been read, or when reading them is forbidden, every token is `unknown`. A check is synchronous and
 * takes about 0.1 ms, so that it can run before anything that uses a limited resource.
 */
export class TokenKeys implements TokenSignatures {
  readonly #client: KubeClient;
  readonly #log: TokenKeysOptions['log'];
  readonly #now: () => number;
  #keys: ReadonlyMap<string, Key> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;
  #failure: string | undefined;

  constructor({ kubeConfig, log, now = Date.now }: TokenKeysOptions) {
    this.#client = new KubeClient(kubeConfig);
    this.#log = log;
    this.#now = now;
  }

  check(token: string): Signature {
    const [head, body, signature, ...rest] = token.split('.');
    const header = Header.safeParse(decoded(head)).data;
    if (header === undefined || body === undefined || signature === undefined || rest.length > 0) return UNKNOWN;
    const known = this.#keys.get(header.kid);
    if (known === undefined) {
      this.#readSoon();
      return UNKNOWN;
    }
    const digest = DIGESTS[known.type]?.[header.alg];
    if (digest === undefined) return FORGED;
    const key = { key: known.key, dsaEncoding: 'ieee-p1363' as const };
    if (!verify(digest, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return FORGED;
    const claims = Claims.safeParse(decoded(body)).data;
    if (claims === undefined) return UNKNOWN;
    return { is: 'genuine', subject: `${claims.sub} ${claims['kubernetes.io']?.pod?.uid ?? ''}` };
  }

  /** Starts to read the keys, unless they were read recently. Does not wait and does not throw. */
  #readSoon(): void {
    const now = this.#now();
    if (now - this.#readAt < READ_EVERY_MS) return;
    this.#readAt = now;
    void this.#read().then(
      (keys) => {
        this.#keys = keys;
        this.#failure = undefined;
      },
      (error: Error) => {
        const reason = `${(error as KubeError).status ?? 'no answer'}`;
        if (this.#failure === reason) return;
        this.#failure = reason;
        this.#log.info(
          { reason: error.message },
          `cannot read the keys of ServiceAccount tokens from ${KEYS_PATH}; invalid tokens count for their address`,
        );
      },
    );
  }

  async #read(): Promise<ReadonlyMap<string, Key>> {
    const { keys } = Keys.parse(await this.#client.request(KEYS_PATH, { accept: KEYS_TYPE, timeoutMs: 5_000 }));
    return new Map(
      keys
        .filter(({ kty }) => kty in DIGESTS)
        .map((jwk) => [jwk.kid, { type: jwk.kty, key: createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }) }]),
    );
  }
}

function decoded(part: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
  } catch {
    return undefined;
  }
}
