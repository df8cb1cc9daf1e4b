import type { ErrorRequestHandler, RequestHandler } from 'express';
import { linkState } from '../agent.ts';
import type { Breaker } from '../breakers/breaker.ts';
import { registry } from '../breakers/registry.ts';
import { notAdmittedErrorOf } from '../errors/errors.ts';
import { atLeast, checkOptions } from '../errors/options.ts';

export interface StateOptions {
  /** The maximum number of breakers in the answer; those that are not closed come first. Absent: 500. */
  readonly limit?: number;
}

/**
 * Answers with all breakers of this process as JSON: `{link, revision, total, breakers: [{name, state, mode, source,
 * policy, sinceMs, retryAfterMs, totals, window, lastError}]}`. It shows which dependencies the service calls, so make
 * it available only internally.
 */
export function breakerStates(options: StateOptions = {}): RequestHandler {
  checkOptions('breakerStates', options, { limit: ['a number from 0', atLeast(0)] });
  const { limit = 500 } = options;
  return (_request, response) => {
    const all = [...registry().breakers()];
    const shown = [
      ...all.filter(({ state }) => state !== 'closed'),
      ...all.filter(({ state }) => state === 'closed'),
    ].slice(0, limit);
    response.set('Cache-Control', 'no-store').json({
      link: linkState(),
      revision: registry().set?.revision,
      total: all.length,
      breakers: shown.map(described),
    });
  };
}

/**
 * Answers 503 with `Retry-After`, in whole seconds, when a breaker rejected a call and no handler caught its
 * error, itself or as the cause of another. Every other error continues to the next error handler. The answer does not
 * name the breaker.
 */
export function rejectionsAs503(): ErrorRequestHandler {
  return (error, _request, response, next) => {
    const notAdmitted = notAdmittedErrorOf(error);
    if (notAdmitted === undefined || response.headersSent) {
      next(error);
      return;
    }
    const { code, retryAfterMs } = notAdmitted;
    response
      .status(503)
      .set('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))))
      .json({ error: 'temporarily unavailable', code, retryAfterMs: Math.ceil(retryAfterMs) });
  };
}

function described(breaker: Breaker) {
  const { state, mode, source, sinceMs, retryAfterMs, totals, window, lastError } = breaker.stats();
  const { name, policy } = breaker;
  const governing = policy && { uid: policy.uid, name: policy.name, generation: policy.generation };
  return { name, state, mode, source, policy: governing, sinceMs, retryAfterMs, totals, window, lastError };
}
