import { createHash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import { CACHE_LIMITS } from '../../core/limits/cache-limits.ts';
import type { Access, ResourceAttributes, UserInfo } from '../../ports/access.ts';
import { AuthError, bearerToken } from '../../ports/authenticator.ts';
import { ReviewClient, type ReviewClientOptions } from './review-client.ts';
import { expiryOf, unexpired } from './token.ts';
import { TtlCache } from './ttl-cache.ts';

export interface AccessReviewOptions {
  readonly kubeConfig: KubeConfig;
  readonly log: ReviewClientOptions['log'];
  /** The current time, in milliseconds since 1970; absent: the system clock. */
  readonly now?: () => number;
}

/** How long an answer is cached. */
const FRESH_MS = 10_000;

const MAX_CACHED = CACHE_LIMITS['admin-reviews'].entries;

const AUTHENTICATION = '/apis/authentication.k8s.io/v1/tokenreviews';
const AUTHORIZATION = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

type Extra = Readonly<Record<string, readonly string[]>>;

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Extra;
    };
  };
}

interface SubjectAccessReview {
  readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
}

type ReviewedUser = UserInfo & { readonly expiresAt?: number };

/**
 * Authorizes users of the admin API by their Kubernetes token and their Kubernetes permissions. Needs the verb create
 * on `tokenreviews` and on `subjectaccessreviews`.
 */
export class AccessReviewer implements Access {
  readonly method = 'review';
  readonly #reviews: ReviewClient;
  readonly #users: TtlCache<ReviewedUser>;
  readonly #decisions: TtlCache<boolean>;
  readonly #now: () => number;

  constructor({ kubeConfig, log, now = Date.now }: AccessReviewOptions) {
    this.#reviews = new ReviewClient({ kubeConfig, log, consequence: 'the admin API answers 503' });
    const bounds = { freshMs: FRESH_MS, max: MAX_CACHED, keeps: (error: unknown) => reasonOf(error) !== 'unavailable' };
    this.#users = new TtlCache(bounds);
    this.#decisions = new TtlCache(bounds);
    this.#now = now;
  }

  async user(authorization: string | undefined): Promise<UserInfo> {
    const token = bearerToken(authorization, 'the admin API asks for the token that you use for the API server');
    const known = await this.#users.get(digest(token), this.#now(), () => this.#identify(token));
    const { expiresAt: _, ...user } = unexpired(known, this.#now());
    return user;
  }

  async check(user: UserInfo, attributes: ResourceAttributes): Promise<void> {
    const key = digest(
      JSON.stringify([user, attributes.verb, attributes.resource, attributes.namespace, attributes.name]),
    );
    if (!(await this.#decisions.get(key, this.#now(), () => this.#ask(user, attributes)))) {
      throw new AuthError('not-allowed', refusal(user, attributes));
    }
  }

  async #identify(token: string): Promise<ReviewedUser> {
    const answer = await this.#reviews.ask<TokenReview>('tokenreviews', 'create', AUTHENTICATION, {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    });
    const { authenticated, user } = answer?.status ?? {};
    if (authenticated !== true || !user?.username) {
      throw new AuthError(
        'bad-token',
        'the API server does not accept the token; a token for agents is not valid for the admin API',
      );
    }
    const { username: name, uid, groups = [], extra } = user;
    const expiresAt = expiryOf(token);
    return {
      name,
      groups,
      ...(uid !== undefined && { uid }),
      ...(extra !== undefined && { extra }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
  }

  async #ask(
    { name: user, uid, groups, extra }: UserInfo,
    { verb, resource, namespace, name }: ResourceAttributes,
  ): Promise<boolean> {
    const resourceAttributes = { group: 'fuseboard.dev', resource, verb, namespace, name };
    const answer = await this.#reviews.ask<SubjectAccessReview>('subjectaccessreviews', 'create', AUTHORIZATION, {
      method: 'POST',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user, uid, groups, extra, resourceAttributes },
      },
    });
    return answer?.status?.allowed === true && answer.status.denied !== true;
  }
}

const reasonOf = (error: unknown) => (error instanceof AuthError ? error.reason : 'unavailable');

const digest = (text: string) => createHash('sha256').update(text).digest('base64');

function refusal({ name }: UserInfo, { verb, resource, namespace }: ResourceAttributes): string {
  const what = `"${name}" may not ${verb} ${resource}`;
  if (namespace !== undefined) return `${what} in namespace "${namespace}"; ask for the right, as with a RoleBinding`;
  return `${what} in all namespaces; name one where that is allowed, with ?namespace=`;
}
