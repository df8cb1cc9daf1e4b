import { KubeError } from './client.ts';

export interface FailureLogOptions {
  /** The failing subject, such as `the history of policies`. */
  readonly what: string;
  /** The attempted action as a participle, such as `kept`. */
  readonly done: string;
  /** The permissions that the action needs, such as `the verbs get and list on leases`. */
  readonly needs: string;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/**
 * Logs the failures of an action that is retried until it succeeds: one line for the first failure, for each different
 * failure, and for the recovery.
 */
export class FailureLog {
  readonly #options: FailureLogOptions;
  #lastLine: string | undefined;

  constructor(options: FailureLogOptions) {
    this.#options = options;
  }

  failed(error: Error): void {
    const { what, done, needs, log } = this.#options;
    const { status, lacksPermission } = error instanceof KubeError ? error : {};
    const advice = lacksPermission ? `grant the operator's account ${needs}` : 'trying again';
    const line = `${what} cannot be ${done} (${status ?? 'no answer'}): ${error.message}; ${advice}`;
    if (line !== this.#lastLine) log.warn({}, line);
    this.#lastLine = line;
  }

  succeeded(): void {
    const { what, done, log } = this.#options;
    if (this.#lastLine !== undefined) log.info({}, `${what} can be ${done} again`);
    this.#lastLine = undefined;
  }
}
