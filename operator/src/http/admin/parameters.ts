import type { Request } from 'express';
import { z } from 'zod';
import { NAMESPACE_PATTERN } from '../../core/policy/namespace.ts';
import { Problem } from '../../ports/problem.ts';
import { parse } from '../problem.ts';

/** Schemas of the parameters of the admin API. A parameter without a schema may be any string. */
export const PARAMETERS = {
  namespace: z.string().regex(NAMESPACE_PATTERN, 'must be lower-case letters, digits and dashes, at most 63'),
  breaker: z.string().min(1).max(128).describe('A name as given to `getBreaker`.'),
  labels: z.string().min(1).max(8_192).describe('Labels of an agent, as `k=v,k2=v2`.'),
} as const;

/**
 * A required query parameter.
 *
 * @throws {Problem} when it is missing, empty, repeated or refused by its schema.
 */
export function text(request: Request, name: string): string {
  const value = request.query[name];
  if (typeof value !== 'string' || value === '') throw new Problem(400, `${name}: must be given once, and not empty`);
  const schema: z.ZodType<string> | undefined = (PARAMETERS as Record<string, z.ZodType<string>>)[name];
  return schema === undefined ? value : parse(schema, value, name);
}

/** An optional query parameter. */
export const optionalText = (request: Request, name: string) =>
  request.query[name] === undefined ? undefined : text(request, name);
