import type { Breaker, TransitionEvent } from '../breakers/breaker.ts';
import { registry } from '../breakers/registry.ts';
import { wantCallScopes } from '../call/scopes/call-scope.ts';
import { checkMethods } from '../errors/options.ts';
import { printable } from '../errors/warnings.ts';

/** The required methods of a logger: pino, bunyan and others that take an object and a message have them. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Logs one line for each state change of each breaker, at `warn` when a circuit opens and at `info` otherwise. Fields:
 * `breaker`, `from`, `to`, `reason`, `lastError` when a failure opened the circuit, and `policy` and `generation` when
 * a policy governs.
 *
 * @returns a function that ends the logging.
 */
export function logTransitions(logger: Logger): () => void {
  checkMethods('the logger of logTransitions', logger, 'info', 'warn');
  wantCallScopes();
  return registry().onTransition((breaker, event) => {
    const line = lineOf(breaker, event);
    const message = `breaker "${breaker.name}" went from ${event.from} to ${event.to}: ${event.reason}`;
    if (event.to === 'open') logger.warn(line, message);
    else logger.info(line, message);
  });
}

/** Logs the warnings of the link: `start({ warn: warnInto(logger) })`. */
export function warnInto(logger: Pick<Logger, 'warn'>): (message: string) => void {
  checkMethods('the logger of warnInto', logger, 'warn');
  return (message) => logger.warn({ component: 'fuseboard' }, message);
}

function lineOf({ name, policy }: Breaker, { from, to, reason, lastError }: TransitionEvent): object {
  const failure = lastError && { name: printable(lastError.name), message: printable(lastError.message) };
  const governing = policy && { policy: printable(policy.name), generation: policy.generation };
  return { breaker: name, from, to, reason, ...(failure && { lastError: failure }), ...governing };
}
