import { fieldProblems } from '@fuseboard/schema';
import type { NextFunction, Request, Response } from 'express';
import type { z } from 'zod';
import { Problem } from '../ports/problem.ts';

/**
 * Validates external input with a schema.
 *
 * @param subject names the value in the error when the value as a whole is invalid.
 * @throws {Problem} 400 with the first invalid field: `breakers[2].state: must be …`.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, subject = 'the body'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { field, message } = fieldProblems(schema, value)[0]!;
  throw new Problem(400, `${field.replace(/^spec\.?/, '') || subject}: ${message}`);
}

/** Answers every error as a JSON problem. Internal errors are only logged, so that no message of theirs is sent. */
export function answerProblems(log: (error: unknown) => void) {
  return (error: unknown, _request: Request, response: Response, _next: NextFunction): void => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status = 500, retryAfterMs, message } = error as Partial<Problem>;
    if (status >= 500 && !(error instanceof Problem)) log(error);
    if (retryAfterMs !== undefined) response.set('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
    const shownMessage =
      status < 500 || error instanceof Problem ? message : 'internal error; see the log of the operator';
    response.status(status).json({ error: shownMessage });
  };
}

/** Answers requests that match no route. */
export function answerUnknown(request: Request, response: Response): void {
  response.status(404).json({ error: `there is nothing at ${request.method} ${request.path}` });
}
