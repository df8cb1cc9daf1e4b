import { MAX_REPORT_BYTES, PROTOCOL, ReportSchema, StreamQuerySchema } from '@fuseboard/schema';
import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { Controller } from '../../control/controller.ts';
import { isBehind, parseSince } from '../../core/delivery/resource-versions.ts';
import type { RestoreDetector } from '../../core/delivery/restore-detector.ts';
import type { Identity } from '../../core/fleet/agent-record.ts';
import { LimitError } from '../../core/limits/limits.ts';
import { parseLabels } from '../../core/policy/selector.ts';
import { printable, printableValue } from '../../core/printable.ts';
import { type AgentIdentity, AuthError, type Authenticator, type Credentials } from '../../ports/authenticator.ts';
import { Problem } from '../../ports/problem.ts';
import type { Audit } from '../audit.ts';
import { refuseForeignPages } from '../foreign-pages.ts';
import { refuseOtherMethods } from '../methods.ts';
import { peerAddress } from '../peer-address.ts';
import { answerProblems, answerUnknown, parse } from '../problem.ts';
import { agentsPaths, NamespaceSchema } from './agents.paths.ts';
import type { Quota } from './quota.ts';
import type { Streams } from './streams.ts';

/** Maximum length of an agent's name, including the name of its pod. */
const MAX_INSTANCE = 512;

export interface AgentsOptions {
  /** The listen address of the port. */
  readonly host: string;
  readonly controller: Controller;
  readonly streams: Streams;
  /** Returns the retry time for a refused stream, in ms from now. */
  readonly nextRetryMs: () => number;
  /** Decides whether a store with older data than the agents' was restored. */
  readonly restoreDetector: RestoreDetector;
  readonly authenticator: Authenticator;
  readonly quota: Quota;
  readonly audit: Audit;
  readonly log: Logger;
  /** Returns a random number from 0 to below 1, for jitter of retry times. */
  readonly random: () => number;
}

/** The routes for agents: the policy stream and the reports. The authenticator determines each agent's identity. */
export function agentsApp(options: AgentsOptions): Express {
  const { controller, streams, nextRetryMs, restoreDetector, authenticator, quota, audit, log, random } = options;
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  const retryAfterMs = () => 1_000 + random() * 4_000;
  const podRetryMs = () => 10_000 + random() * 20_000;

  async function authenticated<T>(request: Request, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      const { namespace, service, instance } = request.query;
      const claims = { namespace: clipped(namespace), service: clipped(service), instance: clipped(instance) };
      audit.refused(error, { from: peerAddress(request.socket), what: request.path, claims });
      if (error.status === 401) request.res?.set('www-authenticate', 'Bearer realm="fuseboard"');
      throw new Problem(error.status, error.message, error.status === 503 ? retryAfterMs() : undefined);
    }
  }

  function credentialsOf(request: Request): Credentials {
    const trustsClaims = authenticator.method === 'none';
    const namespace = trustsClaims ? parse(NamespaceSchema, request.query.namespace, 'namespace') : undefined;
    const address = peerAddress(request.socket);
    return { authorization: request.get('authorization'), namespace, address };
  }

  const identityOf = (request: Request, what: 'stream' | 'report'): Promise<AgentIdentity> =>
    authenticated(request, () => authenticator.identify(credentialsOf(request), what));

  async function openStream(request: Request, response: Response): Promise<void> {
    const query = printableValue(parse(StreamQuerySchema, request.query));
    if (query.protocol !== PROTOCOL) {
      throw new Problem(
        400,
        `protocol: this operator speaks ${PROTOCOL}, not ${query.protocol}; update the older side`,
      );
    }
    const since = parseOrProblem(() => parseSince(query.since));
    const refuse = (reason: string, message: string) => {
      streams.refused(reason);
      throw new Problem(503, message, nextRetryMs());
    };
    // A pod over its own limit has a separate retry time, so that it does not delay other pods.
    const refusePod = (message: string) => {
      streams.refused('quota');
      throw new Problem(503, message, podRetryMs());
    };
    if (streams.draining) refuse('draining', 'this replica is shutting down; reconnect');
    if (!controller.synced) refuse('unsynced', 'the replica has not read the policies yet; reconnect');
    await authenticated(request, async () => authenticator.screen?.(credentialsOf(request)));
    if (quota.refusesStreams()) refuse('storm', 'too many new streams at once; reconnect');
    const agentIdentity = await identityOf(request, 'stream');
    const { namespace, pod, expiresAt } = agentIdentity;
    // A pod has the labels of its object, so what it claims is not even read.
    const claimed =
      authenticator.method === 'token-review' && pod ? {} : parseOrProblem(() => parseLabels(query.labels));
    // After a disconnect, `close` does not fire again, so a stream taken from the quota would never be released.
    if (response.destroyed) return;
    const full = quota.admitStream(agentIdentity);
    if (full === 'stream-rate') refuse('storm', 'too many new streams at once; reconnect');
    if (full !== undefined) {
      refusePod(`pod ${namespace}/${pod?.name} has reached the limit of streams of one pod; see --max-streams-per-pod`);
    }
    // Registered before the next await, because a pending stream already counts for its pod.
    response.on('close', () => quota.releaseStream(agentIdentity));
    const labels = await authenticated(request, () => authenticator.labels(agentIdentity, claimed));
    if (isBehind(controller.delivery.versionsOf(namespace), since)) {
      await controller
        .catchUp()
        .catch((error: Error) =>
          refuse('behind', `cannot read the resourceVersion that the agent has seen: ${error.message}`),
        );
    }
    const asOf = controller.delivery.versionsOf(namespace);
    const reset = isBehind(asOf, since);
    if (!reset) restoreDetector.caughtUp(namespace, asOf);
    else if (!restoreDetector.observeLag(namespace, asOf, since)) {
      refuse('behind', 'the API server is behind the resourceVersion that the agent has seen; reconnect');
    }
    if (response.destroyed) return;
    if (streams.draining) refuse('draining', 'this replica is shutting down; reconnect');
    const { boot, service, language, version, runtime } = query;
    const instance = instanceOf(agentIdentity, query.instance);
    const identity: Identity = {
      namespace,
      ...(pod && { pod: pod.uid }),
      boot,
      service,
      instance,
      labels,
      ...(language && { language }),
      ...(version && { version }),
      ...(runtime && { runtime }),
    };
    if (reset && controller.mayLog(namespace, pod?.uid))
      log.warn(
        { namespace, instance, since: query.since, asOf },
        'the API server was restored to an earlier state; agents are reset',
      );
    try {
      streams.open(response, identity, { revision: request.get('last-event-id') || undefined, reset, expiresAt });
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      refusePod(error.message);
    }
  }

  async function admitReport(request: Request, response: Response, next: () => void): Promise<void> {
    const agentIdentity = await identityOf(request, 'report');
    const full = quota.admitReport(agentIdentity);
    if (full !== undefined) {
      const [who, flag] = full === 'report-rate' ? ['all pods together report', 'second'] : ['this pod reports', 'pod'];
      throw new Problem(503, `${who} too often; see --max-reports-per-${flag}`, retryAfterMs());
    }
    response.locals.agentIdentity = agentIdentity;
    next();
  }

  function receiveReport(request: Request, response: Response): void {
    const agentIdentity = response.locals.agentIdentity as AgentIdentity;
    const { namespace, pod } = agentIdentity;
    const told = printableValue(parse(ReportSchema, request.body));
    const report = { ...told, instance: instanceOf(agentIdentity, told.instance) };
    const { kind } = controller.report({ namespace, ...(pod && { pod: pod.uid }) }, report);
    streams.reported(kind);
    if (kind === 'unknown') throw new Problem(421, 'this replica does not know the agent; open a stream here first');
    response.status(204).end();
  }

  app.use(refuseForeignPages({ host: options.host }), refuseOtherMethods(agentsPaths));
  app.get('/v1/stream', openStream);
  const json = express.json({
    limit: MAX_REPORT_BYTES,
    type: 'application/json',
    inflate: false,
    // Charged before it is parsed, so that a body that is refused costs its sender as much.
    verify: (_request, response, body) =>
      quota.chargeReport((response as Response).locals.agentIdentity as AgentIdentity, body.length),
  });
  app.post('/v1/report', boundedBody, admitReport, json, receiveReport);
  app.use(answerUnknown);
  app.use(answerProblems((error) => log.error({ err: error }, 'cannot answer an agent')));
  return app;
}

/**
 * Refuses a body before it is read: one that is too large or no JSON, and one that is compressed, because a decoder may
 * take megabytes for a few bytes before its first output.
 */
function boundedBody(request: Request, _response: Response, next: () => void): void {
  if (!request.is('application/json')) throw new Problem(415, 'content-type: must be application/json');
  if (request.get('content-encoding') !== undefined) {
    throw new Problem(415, 'content-encoding: is not accepted; send the report as plain JSON');
  }
  const length = request.get('content-length');
  if (Number(length ?? 0) > MAX_REPORT_BYTES) {
    throw new Problem(413, `the body has ${length} bytes; the limit is ${MAX_REPORT_BYTES}; send it in parts`);
  }
  next();
}

/** The name of an agent, prefixed with the name of its pod when the token proves the pod. */
function instanceOf({ pod }: AgentIdentity, said: string): string {
  if (pod === undefined || said === pod.name || said.startsWith(`${pod.name}/`)) return said;
  return `${pod.name}/${said}`.slice(0, MAX_INSTANCE);
}

/** A shortened client value for the log. */
const clipped = (value: unknown) => (typeof value === 'string' ? printable(value.slice(0, 128)) : undefined);

function parseOrProblem<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Problem(400, (error as Error).message);
  }
}
