import type { ErrorRequestHandler, RequestHandler } from 'express';
import { linkState } from '../agent.ts';
import type { Breaker } from '../breakers/breaker.ts';
import { registry } from '../breakers/registry.ts';
import { type FuseboardError, isFuseboardError } from '../errors/errors.ts';

export interface StateOptions {
  /** How many breakers are shown at most, those first that are not closed. Absent: 500. */
  readonly limit?: number;
}

/** Rejections, as they are called in `code`: the call was not made, and another try makes sense later. */
const REJECTIONS = new Set<string>(['ERR_FUSEBOARD_OPEN', 'ERR_FUSEBOARD_LIMITED', 'ERR_FUSEBOARD_QUEUE_TIMEOUT']);

/**
 * Answers with all breakers of this process as JSON: `{link, revision, total, breakers: [{name, state, mode, source,
 * policy, sinceMs, retryAfterMs, totals, window}]}`. It tells the names of what this service calls; mount it where only
 * you get.
 */
export function breakerStates({ limit = 500 }: StateOptions = {}): RequestHandler {
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
 * Answers 503 with `Retry-After`, in whole seconds, where a breaker did not let a call through and nobody caught its
 * error. Every other error continues to the next error handler. What it answers does not name the breaker.
 */
export function rejectionsAs503(): ErrorRequestHandler {
  return (error, _request, response, next) => {
    if (!isRejection(error) || response.headersSent) {
      next(error);
      return;
    }
    const { code, retryAfterMs } = error;
    response
      .status(503)
      .set('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))))
      .json({ error: 'temporarily unavailable', code, retryAfterMs: Math.ceil(retryAfterMs) });
  };
}

function isRejection(error: unknown): error is FuseboardError {
  return isFuseboardError(error) && REJECTIONS.has(error.code);
}

function described(breaker: Breaker) {
  const { state, mode, source, sinceMs, retryAfterMs, totals, window } = breaker.stats();
  const { name, policy } = breaker;
  const governing = policy && { uid: policy.uid, name: policy.name, generation: policy.generation };
  return { name, state, mode, source, policy: governing, sinceMs, retryAfterMs, totals, window };
}
