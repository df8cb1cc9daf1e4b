import { KubeError } from './client.ts';

export interface FailureLogOptions {
  /** What fails, such as `the history of policies`. */
  readonly what: string;
  /** What should be done with it, such as `kept`. */
  readonly done: string;
  /** What the operator's account needs for it, such as `the verbs get and list on leases`. */
  readonly needs: string;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/**
 * Something that is tried again until it succeeds: one line in the log when it begins to fail or fails otherwise, and
 * when it is well.
 */
export class FailureLog {
  readonly #options: FailureLogOptions;
  #lastLine: string | undefined;

  constructor(options: FailureLogOptions) {
    this.#options = options;
  }

  failed(error: Error): void {
    const { what, done, needs, log } = this.#options;
    const status = error instanceof KubeError ? error.status : undefined;
    const advice = status === 403 ? `grant the operator's account ${needs}` : 'trying again';
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
