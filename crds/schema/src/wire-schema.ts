import type { z } from 'zod';
import { PROTOCOL } from './defaults.ts';
import { messageSchema, type SchemaNode } from './structural.ts';
import * as wire from './wire.ts';

/** What each event of the stream carries as `data`, by the name of the event. */
export const STREAM_EVENTS = {
  hello: wire.HelloSchema,
  begin: wire.BeginSchema,
  policy: wire.PolicyEventSchema,
  override: wire.OverrideEventSchema,
  remove: wire.RemoveSchema,
  routes: wire.RoutesSchema,
  commit: wire.CommitSchema,
  insync: wire.InSyncSchema,
  heartbeat: wire.HeartbeatSchema,
  goaway: wire.GoawaySchema,
} satisfies Record<string, z.ZodType>;

/** What travels besides the events. */
const OTHERS = {
  query: wire.StreamQuerySchema,
  report: wire.ReportSchema,
  problem: wire.ProblemSchema,
} satisfies Record<string, z.ZodType>;

/** Every message of the protocol as JSON Schema draft 2020-12, one definition for each. Unknown fields are allowed. */
export function wireSchema(): SchemaNode {
  const definitions = Object.fromEntries(
    Object.entries({ ...STREAM_EVENTS, ...OTHERS }).map(([name, schema]) => [name, definition(schema)]),
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Fuseboard protocol ${PROTOCOL}`,
    description:
      'The messages between operator and agent. An event of the stream has the definition of its name; query is that of GET /v1/stream, report the body of POST /v1/report, problem the body of every refusal. A report that was taken is answered 204 without a body.',
    $defs: definitions,
  };
}

function definition(schema: z.ZodType): SchemaNode {
  const { $schema: _, ...rest } = messageSchema(schema);
  return rest;
}
