import type { Request } from 'express';
import { Refusal } from '../problem.ts';

/**
 * A parameter of the query.
 *
 * @throws {Refusal} when it is missing, empty or given twice.
 */
export function text(request: Request, name: string): string {
  const value = request.query[name];
  if (typeof value !== 'string' || value === '') throw new Refusal(400, `${name}: must be given once, and not empty`);
  return value;
}

/** The same; absent when it is not given. */
export const optionalText = (request: Request, name: string) =>
  request.query[name] === undefined ? undefined : text(request, name);
