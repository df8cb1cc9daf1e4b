import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AUDIENCE, type Config } from './config/config.ts';
import { Controller } from './control/controller.ts';
import type { Clock } from './core/clock.ts';
import { RestoreDetector } from './core/delivery/restore-detector.ts';
import { LimitLog } from './core/limits/limit-log.ts';
import { LIMITS } from './core/limits/limits.ts';
import { isLoopback } from './core/loopback.ts';
import { retryAfterScheduler } from './core/rate-limit/retry-after.ts';
import { tokenBucket } from './core/rate-limit/token-bucket.ts';
import { adminApp } from './http/admin/admin.ts';
import { agentsApp } from './http/agents/agents.ts';
import { Quota } from './http/agents/quota.ts';
import { Streams } from './http/agents/streams.ts';
import { Audit } from './http/audit.ts';
import { type Certificate, followAuthorities, followCertificate, readCertificate } from './http/certificate.ts';
import type { ConnectionLimit } from './http/connections.ts';
import { metricsApp } from './http/metrics.ts';
import { type Listening, listen } from './http/server.ts';
import { injectorApp, readAuthority } from './http/webhook/injector.ts';
import { Instruments } from './metrics/instruments.ts';
import { metricsRegistry } from './metrics/registry.ts';
import type { Access } from './ports/access.ts';
import type { Authenticator } from './ports/authenticator.ts';
import type { History } from './ports/history.ts';
import type { OutageStore } from './ports/outage-store.ts';
import type { OverrideStore } from './ports/override-store.ts';
import type { PolicyEditor } from './ports/policy-editor.ts';
import type { Replicas } from './ports/replicas.ts';
import type { Source } from './ports/source.ts';
import type { StatusSink } from './ports/status-sink.ts';

/** A running operator. */
export interface Serving {
  readonly agentsUrl: string;
  readonly metricsUrl: string;
  readonly adminUrl: string;
  /** Absent: pods are not injected. */
  readonly webhookUrl?: string | undefined;
  /**
   * Shuts down: fails the readiness probe at once, continues serving for `shutdownDelayMs` and until no client opens
   * connections any more, then tells agents to reconnect elsewhere. Resolves when they have disconnected, or `drainMs`
   * after the delay.
   */
  stop(drainMs: number): Promise<void>;
}

/** Agents reconnect at random times within this time when this replica shuts down, in ms. */
const SPREAD_MS = 5_000;

/** A port is unused when nobody has connected to it for this time, in ms. */
const QUIET_MS = 2_000;

/**
 * The longest wait, in ms, until the ports of agents and the webhook are unused: once before agents are sent away and
 * once after.
 */
const GREATEST_WAIT_MS = 10_000;

/** The limits at which connections are closed, in the table of limits. */
const CONNECTION_LIMITS = {
  address: 'connections-of-address',
  stalled: 'unread-time',
  unread: 'unread-bytes',
} as const;

/** Maximum number of log lines about refused requests per second. */
const AUDIT_LINES_PER_SECOND = 10;

/** The adapters of an operator. */
export interface Adapters {
  readonly source: Source;
  readonly sink: StatusSink;
  readonly authenticator: Authenticator;
  readonly access: Access;
  readonly overrides: OverrideStore;
  readonly history: History;
  /** Absent: outages are lost with the process. */
  readonly outages?: OutageStore;
  readonly policyEditor: PolicyEditor;
  /** Absent: this process is the only one. */
  readonly replicas?: Replicas;
  /** The metrics that the other adapters measure. Absent: nothing is measured. */
  readonly instruments?: Instruments;
  /** The monotonic clock. Absent: that of the process. */
  readonly clock?: Clock;
  /** The wall clock, milliseconds since 1970. Absent: that of the process. */
  readonly wallClock?: () => number;
}

/** What a port serves, and where. */
interface Port {
  readonly app: Parameters<typeof listen>[0];
  readonly address: Parameters<typeof listen>[1];
  readonly limits: Parameters<typeof listen>[2];
}

/** One for each port; pods are injected only with a webhook. */
interface EachPort<T> {
  readonly agents: T;
  readonly metrics: T;
  readonly admin: T;
  readonly webhook?: T;
}

/** What the ports of an operator share, before any of them is open. */
interface Operator {
  readonly config: Config;
  readonly adapters: Adapters;
  readonly log: Logger;
  readonly clock: Clock;
  readonly wallClock: () => number;
  readonly instruments: Instruments;
  readonly limits: LimitLog;
  readonly controller: Controller;
  readonly streams: Streams;
  readonly audit: Audit;
  readonly adminAudit: Audit;
  /** Aborts when watchers of the admin API have to leave. */
  readonly leaving: AbortController;
  /** Whether the operator shuts down, so that it is not ready any more. */
  ending: boolean;
}

/** The certificate of the ports, and how often it and the authorities of injected pods were replaced. */
interface CurrentCertificate {
  /** Absent: the ports have no TLS. */
  readonly first: Certificate | undefined;
  renewed: Certificate | undefined;
  readonly changes: { certificate: number; authorities: number };
}

/** Creates an operator from its adapters, listens on its ports and starts it. */
export async function serve(config: Config, adapters: Adapters, log: Logger): Promise<Serving> {
  const operator = await assemble(config, adapters, log);
  const first = config.tls && (await readCertificate(config.tls));
  const certificate: CurrentCertificate = { first, renewed: undefined, changes: { certificate: 0, authorities: 0 } };
  const authorities = config.injection && (await readAuthority(config.injection.caFile));
  const listening = await listenOn({
    agents: agentsPort(operator, first),
    metrics: metricsPort(operator, certificate),
    admin: adminPort(operator, first),
    ...(config.injection && { webhook: webhookPort(operator, config.injection, first) }),
  });
  const unfollow = followFiles(operator, certificate, authorities, Object.values(listening));
  const { authenticator } = adapters;
  if (authenticator.method !== 'none' && !config.tls) {
    log.warn({}, 'agents send their tokens in plain text; set --tls-cert-file and --tls-key-file');
  }
  operator.controller.start();
  const urls = {
    agentsUrl: listening.agents.url,
    metricsUrl: listening.metrics.url,
    adminUrl: listening.admin.url,
    webhookUrl: listening.webhook?.url,
  };
  log.info(
    {
      source: adapters.source.kind,
      auth: authenticator.method,
      adminAuth: adapters.access.method,
      agents: urls.agentsUrl,
      metrics: urls.metricsUrl,
      admin: urls.adminUrl,
      webhook: urls.webhookUrl,
      ...(first && { certificateValidUntil: new Date(first.expires).toISOString() }),
    },
    'serving',
  );
  return { ...urls, stop: (drainMs) => shutDown(operator, listening, unfollow, drainMs) };
}

/** Creates the controller with what measures and limits it, and restores the saved outages. */
async function assemble(config: Config, adapters: Adapters, log: Logger): Promise<Operator> {
  const { clock = performance, wallClock = Date.now, outages } = adapters;
  const { bounds, overrideRetentionMs, reportUrl } = config;
  const instruments = adapters.instruments ?? new Instruments(clock);
  const observers = {
    policies: instruments.queues.queue('policies'),
    status: instruments.queues.queue('status'),
    applied: instruments.applied.bind(instruments),
  };
  const limits = new LimitLog({ clock, log });
  const controller = new Controller({
    ...adapters,
    overrideRetentionMs,
    log,
    clock,
    wallClock,
    bounds,
    limits,
    observers,
  });
  if (outages) controller.fleet.outages.restore(await outages.load(), clock.now());
  const { delivery } = controller;
  const random = Math.random;
  const streams = new Streams({ delivery, ...(reportUrl !== undefined && { reportUrl }), random, wallClock });
  const auditOf = (subject: 'an agent' | 'a person') =>
    new Audit({ log, subject, lineLimit: tokenBucket(AUDIT_LINES_PER_SECOND, clock) });
  const [audit, adminAudit] = [auditOf('an agent'), auditOf('a person')];
  const leaving = new AbortController();
  return {
    config,
    adapters,
    log,
    clock,
    wallClock,
    instruments,
    limits,
    controller,
    streams,
    audit,
    adminAudit,
    leaving,
    ending: false,
  };
}

const cutAt =
  ({ limits }: Operator, all: 'connections' | 'other-connections') =>
  (from: string, limit: ConnectionLimit): void =>
    limits.reached({ ...CONNECTION_LIMITS, all }[limit], { from });

/** The limits of each port except that of the agents. */
const otherLimits = (operator: Operator) => ({
  maxConnections: LIMITS['other-connections'].value,
  maxUnreadBytes: LIMITS['unread-bytes'].value * 1024 * 1024,
  onCut: cutAt(operator, 'other-connections'),
  clock: operator.clock,
});

const onErrorOf =
  ({ log }: Operator) =>
  (error: unknown) =>
    log.error({ err: error }, 'cannot answer a request');

function agentsPort(operator: Operator, certificate: Certificate | undefined): Port {
  const { config, adapters, log, clock, limits, controller, streams, audit } = operator;
  const quota = new Quota({
    maxStreams: config.maxStreamsPerPod,
    maxStreamsPerSecond: config.maxStreamsPerSecond,
    maxReportsPerPod: config.maxReportsPerPod,
    maxReportsPerSecond: config.maxReportsPerSecond,
    limits,
    clock,
  });
  return {
    app: agentsApp({
      host: config.agents.host,
      controller,
      streams,
      nextRetryMs: retryAfterScheduler(config.maxStreamsPerSecond, clock),
      restoreDetector: new RestoreDetector(config.restoreAfterMs, clock),
      authenticator: adapters.authenticator,
      quota,
      audit,
      log,
      random: Math.random,
    }),
    address: config.agents,
    limits: {
      what: 'agents',
      flag: '--port',
      maxConnections: config.maxConnections,
      onCut: cutAt(operator, 'connections'),
      clock,
      certificate,
    },
  };
}

function metricsPort(operator: Operator, certificate: CurrentCertificate): Port {
  const { config, adapters, clock, controller, streams, audit, adminAudit, instruments } = operator;
  const { first, changes } = certificate;
  const unready = () => {
    if (operator.ending) return 'shutting down';
    if (!controller.synced)
      return `policies have not been read yet: ${adapters.source.state().unreadable ?? 'reading'}`;
    return undefined;
  };
  return {
    app: metricsApp({
      host: config.metrics.host,
      registry: metricsRegistry({
        controller,
        streams,
        audit,
        adminAudit,
        instruments,
        clock,
        ...(first && { certificates: { expires: () => (certificate.renewed ?? first).expires, changes } }),
      }),
      unready,
      onError: onErrorOf(operator),
    }),
    address: config.metrics,
    limits: {
      what: 'metrics and probes',
      flag: '--metrics-port',
      ...otherLimits(operator),
    },
  };
}

function adminPort(operator: Operator, certificate: Certificate | undefined): Port {
  const { config, adapters, log, clock, wallClock, limits, controller, adminAudit, leaving } = operator;
  const { access, overrides, history, policyEditor } = adapters;
  return {
    app: adminApp({
      controller,
      limits,
      access,
      audit: adminAudit,
      overrides,
      history,
      policyEditor,
      clock,
      wallClock,
      replica: config.replication.replica,
      leaving: leaving.signal,
      log,
      onError: onErrorOf(operator),
    }),
    address: config.admin,
    limits: {
      what: 'the admin API',
      flag: '--admin-port',
      ...otherLimits(operator),
      certificate: isLoopback(config.admin.host) ? undefined : certificate,
    },
  };
}

function webhookPort(
  operator: Operator,
  { address, ...place }: NonNullable<Config['injection']>,
  certificate: Certificate | undefined,
): Port {
  return {
    app: injectorApp({
      ...place,
      audience: AUDIENCE,
      log: operator.log,
      limits: operator.limits,
      clock: operator.clock,
      random: Math.random,
    }),
    address,
    limits: {
      what: 'the webhook',
      keepAlive: false,
      flag: '--webhook-port',
      ...otherLimits(operator),
      certificate,
    },
  };
}

/**
 * Replaces the certificate of the servers when its files change, and counts changes of the authorities.
 *
 * @returns functions that end this.
 */
function followFiles(
  { config, log }: Operator,
  certificate: CurrentCertificate,
  authorities: string | undefined,
  servers: readonly Listening[],
): (() => void)[] {
  const { tls, injection } = config;
  const { first, changes } = certificate;
  const renew = (next: Certificate) => {
    for (const server of servers) server.renew(next);
    certificate.renewed = next;
    changes.certificate += 1;
  };
  const unfollow: (() => void)[] = [];
  if (tls && first) unfollow.push(followCertificate(tls, first, renew, log));
  if (injection && authorities !== undefined) {
    const changed = () => {
      changes.authorities += 1;
    };
    unfollow.push(followAuthorities(() => readAuthority(injection.caFile), authorities, changed, log));
  }
  return unfollow;
}

/** Shuts down, as `Serving.stop` says. */
async function shutDown(
  operator: Operator,
  listening: EachPort<Listening>,
  unfollow: readonly (() => void)[],
  drainMs: number,
): Promise<void> {
  const { config, adapters, log, controller, streams, leaving } = operator;
  const servers: readonly Listening[] = Object.values(listening);
  const { shutdownDelayMs } = config;
  log.info({ streams: streams.count, shutdownDelayMs }, 'stopping');
  operator.ending = true;
  for (const server of servers) server.drain();
  if (shutdownDelayMs > 0) await delay(shutdownDelayMs);
  // Probes and scrapes of the other ports never stop.
  const { agents, webhook = agents } = listening;
  const unused = () => {
    const quietMs = Math.min(QUIET_MS, shutdownDelayMs);
    const enough = AbortSignal.timeout(Math.min(GREATEST_WAIT_MS, drainMs / 2));
    return Promise.all([agents, webhook].map((server) => server.unused(quietMs, enough)));
  };
  const cut = setTimeout(() => {
    log.warn({ streams: streams.count }, 'some agents did not disconnect; their connections are closed');
    for (const server of servers) server.cut();
  }, drainMs);
  // A busy node learns late that this replica leaves. A listener that is closed before costs a pod its injection.
  await unused();
  streams.drain(SPREAD_MS);
  leaving.abort();
  await Promise.all([controller.replicas.stop(), unused()]);
  await Promise.all(servers.map((server) => server.close()));
  clearTimeout(cut);
  for (const end of unfollow) end();
  controller.stop();
  await adapters.source.stop();
  await adapters.sink.stop();
  operator.instruments.stop();
  await adapters.history.stop();
  await adapters.outages?.stop();
  log.info('stopped');
}

/**
 * Opens the ports, one after the other.
 *
 * @throws when one of them cannot be opened; those that were are closed then.
 */
async function listenOn(ports: EachPort<Port>): Promise<EachPort<Listening>> {
  const open: [string, Listening][] = [];
  try {
    for (const [name, { app, address, limits }] of Object.entries(ports) as [string, Port][]) {
      open.push([name, await listen(app, address, limits)]);
    }
  } catch (error) {
    await Promise.all(open.map(([, server]) => server.close()));
    throw error;
  }
  return Object.fromEntries(open) as unknown as EachPort<Listening>;
}
