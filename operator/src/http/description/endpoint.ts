import { ProblemSchema } from '@fuseboard/schema';
import { z } from 'zod';

/** One response of an endpoint. */
export interface ResponseDescription {
  readonly description: string;
  /** Schema of the body; absent: no body. */
  readonly schema?: z.ZodType;
  /** Content type; absent: `application/json`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, z.ZodType>>;
}

/** The description of one path and method, in a file `….paths.ts` next to its route. */
export interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** The path in Express notation: `/v1/policies/:namespace/:name`. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answers: Readonly<Record<number, ResponseDescription>>;
}

/** The endpoints of one port. */
export interface Port {
  readonly name: 'agents' | 'metrics' | 'admin';
  readonly description: string;
  readonly servers: readonly string[];
  /** Description of the token that callers need; absent: no authentication. */
  readonly token?: string;
  readonly endpoints: readonly Endpoint[];
}

const Problem = ProblemSchema.meta({ id: 'Problem' });

const RETRY_AFTER = z
  .string()
  .regex(/^[0-9]+$/)
  .describe('Seconds to wait before coming again.');

const REFUSALS = {
  400: 'A parameter or the body is not sound; the sentence names the field.',
  401: 'There is no token, or not one that counts here.',
  403: 'The caller may not do this.',
  404: 'There is no such thing.',
  408: 'The request did not come in time.',
  411: 'A packed body must say its length.',
  413: 'The body is too large; send it in parts.',
  409: 'It is not as it was, or not to be changed this way.',
  415: 'The body must be JSON.',
  422: 'The API server refuses it; the sentence says why.',
  405: 'Something is there, but not with this method.',
  421: 'This replica does not know the agent; open a stream here first.',
  503: 'Not available now; retry later.',
} as const;

/** Error responses with a problem document. */
export function refusals(...statuses: readonly (keyof typeof REFUSALS)[]): Record<number, ResponseDescription> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: REFUSALS[status],
        schema: Problem,
        ...(status === 503 && { headers: { 'retry-after': RETRY_AFTER.optional() } }),
      },
    ]),
  );
}
