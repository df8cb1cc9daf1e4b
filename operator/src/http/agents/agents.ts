import { MAX_REPORT_BYTES, PROTOCOL, ReportSchema, StreamQuerySchema } from '@fuseboard/schema';
import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Controller } from '../../control/controller.ts';
import { isBehind, parseSince } from '../../core/delivery/resource-versions.ts';
import type { Rewinds } from '../../core/delivery/restore-detector.ts';
import type { Identity } from '../../core/fleet/agent-record.ts';
import { parseLabels } from '../../core/policy/selector.ts';
import type { Admission } from '../../core/rate-limit/token-bucket.ts';
import { type Authenticator, type Caller, Denial, type Presented } from '../../ports/authenticator.ts';
import { Refusal } from '../../ports/problem.ts';
import type { Audit } from '../audit.ts';
import { refuseOtherMethods } from '../methods.ts';
import { answerProblems, answerUnknown, firstIssue } from '../problem.ts';
import { agentsPaths, NamespaceSchema } from './agents.paths.ts';
import type { Quota } from './quota.ts';
import type { Streams } from './streams.ts';

export interface AgentsOptions {
  readonly controller: Controller;
  readonly streams: Streams;
  readonly admission: Admission;
  /** When a stream that is refused should be dialled again, in ms from now. */
  readonly turn: () => number;
  /** Whether a store that shows less than agents have seen was restored. */
  readonly rewinds: Rewinds;
  readonly authenticator: Authenticator;
  readonly quota: Quota;
  readonly audit: Audit;
  readonly log: Logger;
  /** Between 0 and 1; spreads what is asked to come again. */
  readonly random: () => number;
}

/** What agents talk to: the stream of policies, and the reports. Who they are is what the authenticator says. */
export function agentsApp(options: AgentsOptions): Express {
  const { controller, streams, admission, turn, rewinds, authenticator, quota, audit, log, random } = options;
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  const later = () => 1_000 + random() * 4_000;

  async function known<T>(request: Request, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Denial)) throw error;
      const { namespace, service, instance } = request.query;
      const claims = { namespace: clipped(namespace), service: clipped(service), instance: clipped(instance) };
      audit.refused(error, { from: request.socket.remoteAddress, what: request.path, claims });
      if (error.status === 401) request.res?.set('www-authenticate', 'Bearer realm="fuseboard"');
      throw new Refusal(error.status, error.message, error.status === 503 ? later() : undefined);
    }
  }

  function presentedBy(request: Request): Presented {
    const believed = authenticator.way === 'none';
    const namespace = believed ? parse(NamespaceSchema, request.query.namespace, 'namespace') : undefined;
    const { remoteAddress: address = '' } = request.socket;
    return { authorization: request.get('authorization'), namespace, address };
  }

  const callerOf = (request: Request, what: 'stream' | 'report'): Promise<Caller> =>
    known(request, () => authenticator.caller(presentedBy(request), what));

  async function openStream(request: Request, response: Response): Promise<void> {
    const query = parse(StreamQuerySchema, request.query);
    if (query.protocol !== PROTOCOL) {
      throw new Refusal(
        400,
        `protocol: this operator speaks ${PROTOCOL}, not ${query.protocol}; update the older side`,
      );
    }
    const believed = authenticator.way === 'token-review' ? {} : sound(() => parseLabels(query.labels));
    const since = sound(() => parseSince(query.since));
    const refuse = (reason: string, message: string) => {
      streams.refused(reason);
      throw new Refusal(503, message, turn());
    };
    if (streams.draining) refuse('draining', 'this operator is going away; dial again');
    if (!controller.synced) refuse('unsynced', 'policies have not been read yet; dial again');
    await known(request, async () => authenticator.screen?.(presentedBy(request)));
    if (!admission.admit()) refuse('storm', 'too many agents at once; dial again');
    const caller = await callerOf(request, 'stream');
    const { namespace, pod, expiresAt } = caller;
    const labels = await known(request, () => authenticator.labels(caller, believed));
    if (isBehind(controller.asOf(namespace), since)) {
      await controller
        .catchUp()
        .catch((error: Error) => refuse('behind', `cannot catch up with what the agent has seen: ${error.message}`));
    }
    const asOf = controller.asOf(namespace);
    const reset = isBehind(asOf, since);
    if (!reset) rewinds.shows(namespace, asOf);
    else if (!rewinds.behind(namespace, asOf, since)) {
      refuse('behind', 'the API server shows less than the agent has seen; dial again');
    }
    if (response.destroyed) return;
    if (streams.draining) refuse('draining', 'this operator is going away; dial again');
    const { boot, service, instance } = query;
    if (!quota.takeStream(caller)) {
      refuse(
        'quota',
        `pod ${namespace}/${pod?.name} has as many streams as one pod may have; see --max-streams-per-pod`,
      );
    }
    response.on('close', () => quota.releaseStream(caller));
    const identity: Identity = { namespace, ...(pod && { pod: pod.uid }), boot, service, instance, labels };
    if (reset) log.warn({ namespace, instance, since: query.since, asOf }, 'the store went back in time');
    streams.open(response, identity, { revision: request.get('last-event-id') || undefined, reset, expiresAt });
  }

  async function reporter(request: Request, response: Response, next: () => void): Promise<void> {
    const caller = await callerOf(request, 'report');
    if (!quota.takeReport(caller)) {
      throw new Refusal(503, 'this pod reports too often; see --max-reports-per-pod', later());
    }
    response.locals.caller = caller;
    next();
  }

  function takeReport(request: Request, response: Response): void {
    const { namespace, pod } = response.locals.caller as Caller;
    const report = parse(ReportSchema, request.body);
    const { kind } = controller.report({ namespace, ...(pod && { pod: pod.uid }) }, report);
    streams.reported(kind);
    if (kind === 'unknown') throw new Refusal(421, 'this replica does not know the agent; open a stream here first');
    response.status(204).end();
  }

  app.use(refuseOtherMethods(agentsPaths));
  app.get('/v1/stream', openStream);
  const json = express.json({ limit: MAX_REPORT_BYTES, type: 'application/json' });
  app.post('/v1/report', boundedBody, reporter, json, takeReport);
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

/** Enough of what a client says to find it by. */
const clipped = (value: unknown) => (typeof value === 'string' ? value.slice(0, 128) : undefined);

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
