import { createHash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import { dropOldest } from '../../core/drop-oldest.ts';
import { CACHE_LIMITS } from '../../core/limits/cache-limits.ts';
import { REVIEWS_AT_ONCE } from '../../core/limits/review-limits.ts';
import type { Labels } from '../../core/policy/selector.ts';
import {
  type AgentIdentity,
  AuthError,
  type Authenticator,
  bearerToken,
  type Credentials,
} from '../../ports/authenticator.ts';
import { ReviewClient, type ReviewClientOptions } from './review-client.ts';
import { expiryOf, unexpired } from './token.ts';
import type { Signature, TokenSignatures } from './token-keys.ts';
import type { Payer, TokenReviewLimiter } from './token-review-limiter.ts';

export interface TokenReviewOptions {
  readonly kubeConfig: KubeConfig;
  readonly audience: string;
  /** Whether tokens that are bound to no pod are accepted. The agent then provides its own labels. */
  readonly withoutPod: boolean;
  /** Namespaces whose pods may be agents; empty: all namespaces. */
  readonly namespaces: readonly string[];
  /** How long a successful review is cached, in ms. The API server itself caches a token for another 10 s. */
  readonly goodForMs: number;
  /** Limits reviews of unknown tokens. */
  readonly limiter: TokenReviewLimiter;
  /** Detects forged tokens before a review; absent: each unknown token needs a review. */
  readonly signatures?: TokenSignatures;
  readonly log: ReviewClientOptions['log'];
  /** The current time, in milliseconds since 1970; absent: the system clock. */
  readonly now?: () => number;
}

/** How long a refusal is cached, in ms. */
const REFUSED_MS = 14_000;

/** How long a known agent can report while the API server cannot review tokens. */
const KNOWN_MS = 600_000;

const MAX_REVIEWS = CACHE_LIMITS['reviewed-tokens'].entries;
const MAX_REFUSED = CACHE_LIMITS['refused-tokens'].entries;

const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';

interface Review {
  /** When the review was requested; negative infinity when it failed, so that the next request repeats it. */
  at: number;
  readonly answer: Promise<AgentIdentity>;
  /** The last successful identity; cleared when a review refuses the token. */
  known: { readonly identity: AgentIdentity; readonly at: number } | undefined;
}

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
}

/**
 * Authenticates agents by a ServiceAccount token; the API server checks the token and its audience. Namespace
 * and pod come from its answer, labels from the pod. Needs the verbs create on `tokenreviews` and get on `pods`.
 */
export class TokenReviewer implements Authenticator {
  readonly method = 'token-review';
  readonly #options: TokenReviewOptions;
  readonly #client: ReviewClient;
  /** Reviews of valid tokens and of tokens under review, by the hash of the token. */
  readonly #reviews = new Map<string, Review>();
  readonly #refused = new Map<string, { readonly refusal: AuthError; readonly at: number }>();
  readonly #now: () => number;

  constructor(options: TokenReviewOptions) {
    this.#options = options;
    this.#client = new ReviewClient({ ...options, consequence: 'agents are told to retry' });
    this.#now = options.now ?? Date.now;
  }

  screen({ authorization, address }: Credentials): void {
    const token = bearerToken(authorization);
    const key = keyOf(token);
    this.#refuseAgain(key, this.#now());
    if (!this.#reviews.has(key)) this.#options.limiter.check(payerOf(this.#signatureOf(token), address));
  }

  async identify({ authorization, address }: Credentials, what: 'stream' | 'report'): Promise<AgentIdentity> {
    const token = bearerToken(authorization);
    const key = keyOf(token);
    const now = this.#now();
    this.#refuseAgain(key, now);
    const before = this.#reviews.get(key);
    const fresh = before !== undefined && now - before.at < this.#options.goodForMs;
    const review = fresh ? before : this.#review(key, token, now, before?.known, address);
    try {
      return unexpired(await review.answer, this.#now());
    } catch (error) {
      const { known } = review;
      if ((error as AuthError).reason !== 'unavailable' || what === 'stream' || !known) throw error;
      if (now - known.at > KNOWN_MS) throw error;
      return unexpired(known.identity, this.#now());
    }
  }

  async labels({ namespace, pod }: AgentIdentity, claimed: Labels): Promise<Labels> {
    if (pod === undefined) return claimed;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod.name)}`;
    const found = await this.#client.ask<{ metadata?: { uid?: unknown; labels?: unknown } }>('pods', 'get', path, {
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    });
    if (found?.metadata?.uid !== pod.uid) {
      throw new AuthError('pod-gone', `pod ${namespace}/${pod.name} with the uid of the token is gone`);
    }
    return readLabels(found.metadata.labels);
  }

  /** Throws the cached refusal of a token, without a review. */
  #refuseAgain(key: string, now: number): void {
    const refused = this.#refused.get(key);
    if (refused && now - refused.at < REFUSED_MS) throw refused.refusal;
  }

  /**
   * Checks the signature of an unknown token.
   *
   * @throws {AuthError} when the cluster did not sign the token.
   */
  #signatureOf(token: string): Signature {
    const signature = this.#options.signatures?.check(token) ?? { is: 'unknown' };
    if (signature.is !== 'forged') return signature;
    throw new AuthError('bad-token', 'the token was not signed by this cluster');
  }

  #review(key: string, token: string, at: number, known: Review['known'], address: string): Review {
    const { limiter } = this.#options;
    const signature = known === undefined ? this.#signatureOf(token) : undefined;
    const payer = payerOf(signature, address);
    if (signature !== undefined) limiter.take(payer);
    const room = signature && REVIEWS_AT_ONCE[signature.is === 'genuine' ? 'signed' : 'unknown'];
    const review: Review = { at, answer: this.#answer(token, room), known };
    this.#reviews.delete(key);
    keep(this.#reviews, key, review, MAX_REVIEWS);
    review.answer.then(
      (identity) => {
        if (known === undefined) limiter.good(payer);
        review.known = { identity, at };
      },
      (error: AuthError) => {
        if (error.reason === 'unavailable') {
          if (known === undefined) limiter.good(payer);
          review.at = Number.NEGATIVE_INFINITY;
          if (known !== undefined) return;
        } else {
          keep(this.#refused, key, { refusal: error, at }, MAX_REFUSED);
        }
        review.known = undefined;
        if (this.#reviews.get(key) === review) this.#reviews.delete(key);
      },
    );
    return review;
  }

  /** @param room the limit of concurrent requests; absent: the limit for known tokens. */
  async #answer(token: string, room: number | undefined): Promise<AgentIdentity> {
    const { audience, withoutPod, namespaces } = this.#options;
    const answer = await this.#client.ask<{ status?: ReviewStatus }>(
      'tokenreviews',
      'create',
      REVIEWS,
      {
        method: 'POST',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [audience] } },
      },
      room,
    );
    const { authenticated, audiences, user } = answer?.status ?? {};
    if (authenticated !== true) {
      throw new AuthError('bad-token', `the API server does not accept the token for the audience "${audience}"`);
    }
    if (!audiences?.includes(audience)) {
      throw new AuthError('wrong-audience', `the token is not meant for the audience "${audience}"`);
    }
    const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user?.username ?? '');
    if (!account) throw new AuthError('not-an-account', 'the token does not belong to a ServiceAccount');
    const namespace = account[1]!;
    if (namespaces.length > 0 && !namespaces.includes(namespace)) {
      throw new AuthError('not-watched', `this operator watches ${namespaces.join(', ')} and not "${namespace}"`);
    }
    const claim = (name: string) => user?.extra?.[`authentication.kubernetes.io/${name}`]?.[0];
    const [name, uid] = [claim('pod-name'), claim('pod-uid')];
    if ((name === undefined || uid === undefined) && !withoutPod) {
      throw new AuthError(
        'no-pod',
        'the token is bound to no pod; mount a projected token, or run with --allow-tokens-without-pod',
      );
    }
    const expiresAt = expiryOf(token);
    return {
      namespace,
      ...(name !== undefined && uid !== undefined && { pod: { name, uid } }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
  }
}

function readLabels(labels: unknown): Labels {
  if (typeof labels !== 'object' || labels === null) return {};
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => typeof value === 'string'));
}

/** The party charged for an invalid token: the account of a genuine token, else the source address. */
const payerOf = (signature: Signature | undefined, address: string): Payer =>
  signature?.is === 'genuine' ? { account: signature.subject } : { address };

const keyOf = (token: string) => createHash('sha256').update(token).digest('base64');

/** Stores an entry, and removes the oldest entries beyond `most`. */
function keep<T>(entries: Map<string, T>, key: string, entry: T, most: number): void {
  entries.set(key, entry);
  dropOldest(entries, most);
}
