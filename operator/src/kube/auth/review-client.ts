import type { KubeConfig } from '@kubernetes/client-node';
import { REVIEWS_AT_ONCE } from '../../core/limits/review-limits.ts';
import { AuthError } from '../../ports/authenticator.ts';
import { KubeClient, type KubeError, type KubeRequest } from '../api/client.ts';

export interface ReviewClientOptions {
  readonly kubeConfig: KubeConfig;
  readonly log: { warn(facts: object, message: string): void; info(facts: object, message: string): void };
  /** What clients do while no review is possible, for the log, such as `agents are told to retry`. */
  readonly consequence: string;
}

const REQUEST_MS = 5_000;

/** Sends reviews to the API server, with a limit on concurrent requests and a timeout for each. */
export class ReviewClient {
  readonly #options: ReviewClientOptions;
  readonly #client: KubeClient;
  readonly #failures = new Map<string, string>();
  #inFlight = 0;

  constructor(options: ReviewClientOptions) {
    this.#options = options;
    this.#client = new KubeClient(options.kubeConfig);
  }

  /**
   * Sends one request; resolves to undefined when a `get` finds nothing (404). Any other failure is the operator's, so
   * it is logged once, with the permission to grant.
   *
   * @param atOnce the limit of concurrent requests. Further ones are refused, so that a flood of forged tokens does not
   * cause a flood of reviews.
   * @throws {AuthError} `unavailable`: the request failed, so the token is neither valid nor invalid.
   */
  async ask<T>(
    resource: string,
    verb: 'get' | 'create',
    path: string,
    request: KubeRequest,
    atOnce: number = REVIEWS_AT_ONCE.all,
  ): Promise<T | undefined> {
    if (this.#inFlight >= atOnce) {
      throw new AuthError('unavailable', 'too many token reviews are in progress; try again');
    }
    this.#inFlight += 1;
    try {
      // A review is not stored, so it can be repeated.
      const common = { timeoutMs: REQUEST_MS, keepAlive: true, repeatable: true };
      const answer = await this.#client.request<T>(path, { ...request, ...common });
      if (this.#failures.delete(resource)) this.#options.log.info({}, `${resource} can be created again`);
      return answer;
    } catch (error) {
      const { status } = error as KubeError;
      if (status === 404 && verb === 'get') return undefined;
      this.#logFailure(resource, verb, error as KubeError);
      throw new AuthError('unavailable', `${resource} cannot be created now; try again`);
    } finally {
      this.#inFlight -= 1;
    }
  }

  #logFailure(resource: string, verb: string, { status, message }: KubeError): void {
    if (this.#failures.get(resource) === String(status)) return;
    this.#failures.set(resource, String(status));
    const { log, consequence } = this.#options;
    const advice = status === 403 ? `grant the operator's account the verb ${verb} on ${resource}` : consequence;
    log.warn({}, `cannot ${verb} ${resource} (${status ?? 'no answer'}): ${message}; ${advice}`);
  }
}
