import { MAX_REPORT_BYTES, PROTOCOL, ReportSchema, StreamQuerySchema } from '@fuseboard/schema';
import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Controller } from '../../control/controller.ts';
import { isBehind, parseSince, type ResourceVersions } from '../../core/delivery/resource-versions.ts';
import type { RestoreDetector } from '../../core/delivery/restore-detector.ts';
import type { Identity } from '../../core/fleet/agent-record.ts';
import { LIMITS, LimitError, type LimitReason } from '../../core/limits/limits.ts';
import { type Labels, parseLabels } from '../../core/policy/selector.ts';
import { printable, printableValue } from '../../core/printable.ts';
import { jitteredRetryMs } from '../../core/rate-limit/retry-after.ts';
import { type AgentIdentity, AuthError, type Authenticator, type Credentials } from '../../ports/authenticator.ts';
import { Problem } from '../../ports/problem.ts';
import type { Audit } from '../audit.ts';
import { Bodies, parseBody } from '../body.ts';
import { refuseForeignPages } from '../foreign-pages.ts';
import { refuseOtherMethods } from '../methods.ts';
import { peerAddress } from '../peer-address.ts';
import { answerProblems, answerUnknown, parse } from '../problem.ts';
import { agentsPaths, NamespaceSchema } from './agents.paths.ts';
import type { Quota } from './quota.ts';
import type { Streams } from './streams.ts';

/** Maximum length of an agent's name, including the name of its pod. */
const MAX_INSTANCE = 512;

/** What the sender of a refused report is told. */
const REPORT_LIMITS: { readonly [reason in LimitReason]?: string } = {
  'report-rate': 'all pods together report too often; see --max-reports-per-second',
  'report-rate-of-pod': 'this pod reports too often; see --max-reports-per-pod',
  'reports-of-pod': 'this pod sends too many reports at the same time; see --max-streams-per-pod',
};

type StreamQuery = z.infer<typeof StreamQuerySchema>;

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
  const retryAfterMs = () => jitteredRetryMs(random);
  const podRetryMs = () => 10_000 + random() * 20_000;
  const bodies = new Bodies({
    maxBytes: MAX_REPORT_BYTES,
    totalMiB: LIMITS['report-bytes'].value,
    reason: 'report-bytes',
    limits: controller.limits,
    retryAfterMs,
  });

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

  function refuseStream(reason: string, message: string): never {
    streams.refused(reason);
    throw new Problem(503, message, nextRetryMs());
  }

  /** A pod over its own limit has a separate retry time, so that it does not delay other pods. */
  function refusePod(message: string): never {
    streams.refused('quota');
    throw new Problem(503, message, podRetryMs());
  }

  function refuseWhileDraining(): void {
    if (streams.draining) refuseStream('draining', 'this replica is shutting down; reconnect');
  }

  function streamQuery(request: Request): StreamQuery {
    const query = printableValue(parse(StreamQuerySchema, request.query));
    if (query.protocol === PROTOCOL) return query;
    throw new Problem(400, `protocol: this operator speaks ${PROTOCOL}, not ${query.protocol}; update the older side`);
  }

  /** Takes a stream from the limits of the pod and of this replica. */
  function admitStream(agentIdentity: AgentIdentity): void {
    const full = quota.admitStream(agentIdentity);
    if (full === 'stream-rate') refuseStream('storm', 'too many new streams at once; reconnect');
    if (full === undefined) return;
    const { namespace, pod } = agentIdentity;
    refusePod(`pod ${namespace}/${pod?.name} has reached the limit of streams of one pod; see --max-streams-per-pod`);
  }

  /**
   * Compares what the agent has seen with what this replica knows, which reads the source again when it knows less.
   * Refuses the stream while it is not known whether the source was restored.
   *
   * @returns the earlier versions to which the source was restored, so that the agent drops what it has; undefined when
   *   the agent keeps it.
   */
  async function restoredTo(
    { namespace, pod }: AgentIdentity,
    since: ResourceVersions,
  ): Promise<ResourceVersions | undefined> {
    if (isBehind(controller.delivery.versionsOf(namespace), since)) {
      await controller
        .catchUp()
        .catch((error: Error) =>
          refuseStream('behind', `cannot read the resourceVersion that the agent has seen: ${error.message}`),
        );
    }
    const asOf = controller.delivery.versionsOf(namespace);
    if (!isBehind(asOf, since)) {
      restoreDetector.caughtUp(namespace, asOf);
      return undefined;
    }
    if (!restoreDetector.observeLag({ namespace, ...(pod && { pod: pod.uid }) }, asOf, since)) {
      refuseStream('behind', 'the API server is behind the resourceVersion that the agent has seen; reconnect');
    }
    return asOf;
  }

  async function openStream(request: Request, response: Response): Promise<void> {
    const query = streamQuery(request);
    const since = parseOrProblem(() => parseSince(query.since));
    refuseWhileDraining();
    if (!controller.synced) refuseStream('unsynced', 'the replica has not read the policies yet; reconnect');
    await authenticated(request, async () => authenticator.screen?.(credentialsOf(request)));
    if (quota.refusesStreams()) refuseStream('storm', 'too many new streams at once; reconnect');
    const agentIdentity = await identityOf(request, 'stream');
    const { namespace, pod, expiresAt } = agentIdentity;
    // A pod has the labels of its object, so what it claims is not even read.
    const claimed =
      authenticator.method === 'token-review' && pod ? {} : parseOrProblem(() => parseLabels(query.labels));
    // After a disconnect, `close` does not fire again, so a stream taken from the quota would never be released.
    if (response.destroyed) return;
    admitStream(agentIdentity);
    // Registered before the next await, because a pending stream already counts for its pod.
    response.on('close', () => quota.releaseStream(agentIdentity));
    const labels = await authenticated(request, () => authenticator.labels(agentIdentity, claimed));
    const asOf = await restoredTo(agentIdentity, since);
    const reset = asOf !== undefined;
    if (response.destroyed) return;
    refuseWhileDraining();
    const identity = streamIdentity(agentIdentity, query, labels);
    if (reset && controller.mayLog(namespace, pod?.uid)) {
      log.warn(
        { namespace, instance: identity.instance, since: query.since, asOf },
        'the API server was restored to an earlier state; agents are reset',
      );
    }
    try {
      streams.open(response, identity, { revision: request.get('last-event-id') || undefined, reset, expiresAt });
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      refusePod(error.message);
    }
  }

  async function receiveReport(request: Request, response: Response): Promise<void> {
    bodies.check(request);
    const agentIdentity = await identityOf(request, 'report');
    // After a disconnect, `close` does not fire again, so what is taken now would never be released.
    if (response.destroyed) return;
    // A part that does not say its length is charged for the longest until it was read.
    const charged = Number(request.get('content-length') ?? MAX_REPORT_BYTES);
    const full = quota.admitReport(agentIdentity, charged);
    if (full !== undefined) throw new Problem(503, REPORT_LIMITS[full]!, retryAfterMs());
    response.on('close', () => quota.releaseReport(agentIdentity));
    const body = await bodies.read(request, response, agentIdentity);
    quota.refundReport(agentIdentity, charged, body.length);
    countReport(agentIdentity, parseBody(body));
    response.status(204).end();
  }

  function countReport(agentIdentity: AgentIdentity, body: unknown): void {
    const { namespace, pod } = agentIdentity;
    const { guarded } = (body ?? {}) as { guarded?: unknown };
    if (Array.isArray(guarded) && guarded.length > LIMITS['guarded-of-agent'].value) {
      controller.limits.reached('guarded-of-agent', { namespace, pod: pod?.name });
    }
    const told = printableValue(parse(ReportSchema, body));
    const report = { ...told, instance: instanceOf(agentIdentity, told.instance) };
    const { kind } = controller.report({ namespace, ...(pod && { pod: pod.uid }) }, report);
    streams.reported(kind);
    if (kind === 'unknown') throw new Problem(421, 'this replica does not know the agent; open a stream here first');
  }

  app.use(refuseForeignPages({ host: options.host }), refuseOtherMethods(agentsPaths));
  app.get('/v1/stream', openStream);
  app.post('/v1/report', receiveReport);
  app.use(answerUnknown);
  app.use(answerProblems((error) => log.error({ err: error }, 'cannot answer an agent')));
  return app;
}

/** Who a stream is for: what its token proves, and what its query says of the process. */
function streamIdentity(agentIdentity: AgentIdentity, query: StreamQuery, labels: Labels): Identity {
  const { namespace, pod } = agentIdentity;
  const { boot, service, language, version, runtime } = query;
  return {
    namespace,
    ...(pod && { pod: pod.uid }),
    boot,
    service,
    instance: instanceOf(agentIdentity, query.instance),
    labels,
    ...(language && { language }),
    ...(version && { version }),
    ...(runtime && { runtime }),
  };
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
