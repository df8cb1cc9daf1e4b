import { MAX_REPORT_BYTES, PROTOCOL, ReportSchema, StreamQuerySchema } from '@fuseboard/schema';
import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Controller } from '../controller.ts';
import { isBehind, parseSince } from '../core/as-of.ts';
import type { Identity } from '../core/member.ts';
import { DEFAULT_NAMESPACE } from '../core/namespace.ts';
import { parseLabels } from '../core/selector.ts';
import type { Admission } from './admission.ts';
import { answerProblems, answerUnknown, firstIssue, Refusal } from './problem.ts';
import type { Streams } from './streams.ts';

export interface AgentsOptions {
  readonly controller: Controller;
  readonly streams: Streams;
  readonly admission: Admission;
  readonly log: Logger;
  /** Between 0 and 1; spreads what is asked to come again. */
  readonly random: () => number;
}

const NamespaceSchema = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be lower-case letters, digits and dashes')
  .default(DEFAULT_NAMESPACE);

/** What agents talk to: the stream of policies, and the reports. Namespace and labels are believed, so it must listen on loopback only. */
export function agentsApp({ controller, streams, admission, log, random }: AgentsOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  const later = () => 1_000 + random() * 4_000;

  async function openStream(request: Request, response: Response): Promise<void> {
    const query = parse(StreamQuerySchema, request.query);
    if (query.protocol !== PROTOCOL) {
      throw new Refusal(
        400,
        `protocol: this operator speaks ${PROTOCOL}, not ${query.protocol}; update the older side`,
      );
    }
    const namespace = parse(NamespaceSchema, query.namespace, 'namespace');
    const labels = sound(() => parseLabels(query.labels));
    const since = sound(() => parseSince(query.since));
    const refuse = (reason: string, message: string) => {
      streams.refused(reason);
      throw new Refusal(503, message, later());
    };
    if (streams.draining) refuse('draining', 'this operator is going away; dial again');
    if (!controller.synced) refuse('unsynced', 'policies have not been read yet; dial again');
    if (!admission.admit()) refuse('storm', 'too many agents at once; dial again');
    if (isBehind(controller.asOf, since)) {
      await controller
        .catchUp()
        .catch((error: Error) => refuse('behind', `cannot catch up with what the agent has seen: ${error.message}`));
    }
    if (response.destroyed) return;
    const { boot, service, instance } = query;
    const identity: Identity = { namespace, boot, service, instance, labels };
    const reset = isBehind(controller.asOf, since);
    if (reset)
      log.warn({ namespace, instance, since: query.since, asOf: controller.asOf }, 'the store went back in time');
    streams.open(response, identity, request.get('last-event-id') || undefined, reset);
  }

  function takeReport(request: Request, response: Response): void {
    const namespace = parse(NamespaceSchema, request.query.namespace, 'namespace');
    const report = parse(ReportSchema, request.body);
    const { kind } = controller.report(namespace, report);
    streams.reported(kind);
    if (kind === 'unknown') throw new Refusal(421, 'this replica does not know the agent; open a stream here first');
    response.status(204).end();
  }

  app.get('/v1/stream', openStream);
  app.post('/v1/report', boundedBody, express.json({ limit: MAX_REPORT_BYTES, type: 'application/json' }), takeReport);
  app.use(answerUnknown);
  app.use(answerProblems((error) => log.error({ err: error }, 'cannot answer an agent')));
  return app;
}

/** The parser bounds what it unpacks; a packed body must say its length, so that it is bounded before as well. */
function boundedBody(request: Request, _response: Response, next: () => void): void {
  if (!request.is('application/json')) throw new Refusal(415, 'content-type: must be application/json');
  const packed = request.get('content-encoding') !== undefined;
  const length = request.get('content-length');
  if (packed && length === undefined) throw new Refusal(411, 'content-length: is required with content-encoding');
  if (Number(length ?? 0) > MAX_REPORT_BYTES) {
    throw new Refusal(413, `the body has ${length} bytes; the limit is ${MAX_REPORT_BYTES}; send it in parts`);
  }
  next();
}

function parse<T>(schema: z.ZodType<T>, value: unknown, field?: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal(
    400,
    field === undefined ? firstIssue(parsed.error) : `${field}: ${parsed.error.issues[0]!.message}`,
  );
}

function sound<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Refusal(400, (error as Error).message);
  }
}
