import { createHash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import { dropOldest } from '../../core/drop-oldest.ts';
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
  /** Whether a token that is bound to no pod is enough; its agent says its labels itself. */
  readonly withoutPod: boolean;
  /** Pods of these namespaces may be agents. Empty: of all namespaces. */
  readonly namespaces: readonly string[];
  /** How long a review that named a caller counts, in ms. The API server itself remembers a token for 10 s more. */
  readonly goodForMs: number;
  /** What tokens that are not known may cost. */
  readonly limiter: TokenReviewLimiter;
  /** Tells made-up tokens from others. Absent: only reviews do. */
  readonly signatures?: TokenSignatures;
  readonly log: ReviewClientOptions['log'];
  /** Wall clock, milliseconds since 1970. Absent: the real one. */
  readonly now?: () => number;
}

/** How long a token that was refused is refused without a question, in ms. */
const REFUSED_MS = 14_000;

/** How long a known caller can report while no token can be reviewed. */
const KNOWN_MS = 600_000;

const MAX_KNOWN = 20_000;
const MAX_REFUSED = 5_000;

const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';

/** Concurrent reviews of unknown tokens; for known tokens the limit is higher. */
const MAX_UNKNOWN_IN_FLIGHT = 60;

/** Concurrent reviews of unknown tokens that the cluster signed. */
const MAX_GENUINE_IN_FLIGHT = 80;

interface Review {
  /** When it was asked for; long ago when the question could not be answered. */
  at: number;
  readonly answer: Promise<AgentIdentity>;
  /** The last answer that named a caller, until one refuses it. */
  known: { readonly caller: AgentIdentity; readonly at: number } | undefined;
}

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
}

/**
 * Authenticates agents by a token of their ServiceAccount; the API server checks the token and its audience. Namespace
 * and pod come from its answer, labels from the pod. Needs the verbs create on `tokenreviews` and get on `pods`.
 */
export class TokenReviewer implements Authenticator {
  readonly method = 'token-review';
  readonly #options: TokenReviewOptions;
  readonly #client: ReviewClient;
  /** Tokens that are good, or being looked at. */
  readonly #reviews = new Map<string, Review>();
  readonly #refused = new Map<string, { readonly denial: AuthError; readonly at: number }>();
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
      return unexpired(known.caller, this.#now());
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

  /** What was refused a moment ago is refused again without a question. */
  #refuseAgain(key: string, now: number): void {
    const refused = this.#refused.get(key);
    if (refused && now - refused.at < REFUSED_MS) throw refused.denial;
  }

  /**
   * What the signature of a token that is not known says.
   *
   * @throws {AuthError} when the cluster did not sign it.
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
    const room = signature && (signature.is === 'genuine' ? MAX_GENUINE_IN_FLIGHT : MAX_UNKNOWN_IN_FLIGHT);
    const review: Review = { at, answer: this.#answer(token, room), known };
    this.#reviews.delete(key);
    keep(this.#reviews, key, review, MAX_KNOWN);
    review.answer.then(
      (agentIdentity) => {
        if (known === undefined) limiter.good(payer);
        review.known = { caller: agentIdentity, at };
      },
      (authError: AuthError) => {
        if (authError.reason === 'unavailable') {
          if (known === undefined) limiter.good(payer);
          review.at = Number.NEGATIVE_INFINITY;
          if (known !== undefined) return;
        } else {
          keep(this.#refused, key, { denial: authError, at }, MAX_REFUSED);
        }
        review.known = undefined;
        if (this.#reviews.get(key) === review) this.#reviews.delete(key);
      },
    );
    return review;
  }

  /** @param room how many questions may be under way. Absent: as many as for tokens that are known. */
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

/** Whom a token that turns out bad is counted against: whom the cluster made it for, else the address it comes from. */
const payerOf = (signature: Signature | undefined, address: string): Payer =>
  signature?.is === 'genuine' ? { account: signature.subject } : { address };

const keyOf = (token: string) => createHash('sha256').update(token).digest('base64');

/** Stores an entry; when there are too many, the oldest is removed. */
function keep<T>(entries: Map<string, T>, key: string, entry: T, most: number): void {
  entries.set(key, entry);
  dropOldest(entries, most);
}
