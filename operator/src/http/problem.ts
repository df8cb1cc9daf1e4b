import type { NextFunction, Request, Response } from 'express';
import type { ZodError } from 'zod';
import { Problem } from '../ports/problem.ts';

/** The first problem of a failed parse as `breakers[2].state: …`. */
export function firstIssue(error: ZodError): string {
  const issue = error.issues[0]!;
  const field = issue.path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  );
  return `${field === '' ? 'the body' : field}: ${issue.message}`;
}

/** Answers every error as JSON. Internal errors are logged, and their messages are not sent. */
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

/** Answers what no route took. */
export function answerUnknown(request: Request, response: Response): void {
  response.status(404).json({ error: `there is nothing at ${request.method} ${request.path}` });
}
