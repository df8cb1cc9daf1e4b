import { createHash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Access, Deed, Person } from '../../ports/access.ts';
import { bearerToken, Denial } from '../../ports/authenticator.ts';
import { Questions, type QuestionsOptions } from './review-client.ts';
import { expiryOf, unexpired } from './token.ts';
import { Recent } from './ttl-cache.ts';

export interface AccessReviewOptions {
  readonly kubeConfig: KubeConfig;
  readonly log: QuestionsOptions['log'];
  /** Wall clock, milliseconds since 1970. Absent: the real one. */
  readonly now?: () => number;
}

/** How long an answer counts. */
const FRESH_MS = 10_000;

const MAX_KEPT = 5_000;

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

type Known = Person & { readonly expiresAt?: number };

/**
 * Lets people use the admin API with the token that they use for the API server, for what they may do there. Needs the
 * verb create on `tokenreviews` and on `subjectaccessreviews`.
 */
export class AccessReviewer implements Access {
  readonly way = 'review';
  readonly #questions: Questions;
  readonly #people: Recent<Known>;
  readonly #rights: Recent<boolean>;
  readonly #now: () => number;

  constructor({ kubeConfig, log, now = Date.now }: AccessReviewOptions) {
    this.#questions = new Questions({ kubeConfig, log, consequence: 'the admin API answers 503' });
    const bounds = { freshMs: FRESH_MS, max: MAX_KEPT, keeps: (error: unknown) => reasonOf(error) !== 'unavailable' };
    this.#people = new Recent(bounds);
    this.#rights = new Recent(bounds);
    this.#now = now;
  }

  async person(authorization: string | undefined): Promise<Person> {
    const token = bearerToken(authorization, 'the admin API asks for the token that you use for the API server');
    const known = await this.#people.get(digest(token), this.#now(), () => this.#identify(token));
    const { expiresAt: _, ...person } = unexpired(known, this.#now());
    return person;
  }

  async check(person: Person, deed: Deed): Promise<void> {
    const key = digest(JSON.stringify([person, deed.verb, deed.resource, deed.namespace, deed.name]));
    if (!(await this.#rights.get(key, this.#now(), () => this.#ask(person, deed)))) {
      throw new Denial('not-allowed', refusal(person, deed));
    }
  }

  async #identify(token: string): Promise<Known> {
    const answer = await this.#questions.ask<TokenReview>('tokenreviews', 'create', AUTHENTICATION, {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    });
    const { authenticated, user } = answer?.status ?? {};
    if (authenticated !== true || !user?.username) {
      throw new Denial(
        'bad-token',
        'the API server does not accept the token; a token for agents is not one for people',
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

  async #ask({ name: user, uid, groups, extra }: Person, { verb, resource, namespace, name }: Deed): Promise<boolean> {
    const resourceAttributes = { group: 'fuseboard.dev', resource, verb, namespace, name };
    const answer = await this.#questions.ask<SubjectAccessReview>('subjectaccessreviews', 'create', AUTHORIZATION, {
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

const reasonOf = (error: unknown) => (error instanceof Denial ? error.reason : 'unavailable');

const digest = (text: string) => createHash('sha256').update(text).digest('base64');

function refusal({ name }: Person, { verb, resource, namespace }: Deed): string {
  const what = `"${name}" may not ${verb} ${resource}`;
  if (namespace !== undefined) return `${what} in namespace "${namespace}"; ask for the right, as with a RoleBinding`;
  return `${what} in all namespaces; name one where that is allowed, with ?namespace=`;
}
