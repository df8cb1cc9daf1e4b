import { isIPv6 } from 'node:net';
import { z } from 'zod';
import type { Bounds } from '../core/limits/limits.ts';
import { isLoopback } from '../core/loopback.ts';
import { NAMESPACE_PATTERN } from '../core/policy/namespace.ts';
import { FLAG_DEFAULTS } from './defaults.ts';
import { type Injection, InjectionFlags, readInjection } from './injection.ts';
import type { Address, CertificateFiles } from './listen.ts';
import { duration, type Replication, ReplicationFlags, readReplication } from './replication.ts';
import { UsageError } from './usage-error.ts';
import { port, wholeNumber } from './whole-number.ts';

/** The configuration of `fuseboard serve`. */
export interface Config {
  readonly source:
    | { readonly kind: 'directory'; readonly folder: string }
    | {
        readonly kind: 'kubernetes';
        readonly kubeconfig?: string;
        readonly context?: string;
        readonly namespaces: readonly string[];
      };
  /** Where things are kept for the next start. Absent: nothing is. */
  readonly stateFolder?: string;
  /** How agents are authenticated. */
  readonly auth:
    | { readonly way: 'none' }
    | { readonly way: 'file'; readonly path: string }
    | { readonly way: 'token-review'; readonly audience: string; readonly withoutPod: boolean };
  /** Absent: agents are served in plain text. */
  readonly tls?: CertificateFiles;
  readonly agents: Address;
  readonly metrics: Address;
  readonly admin: Address;
  /** Who may use the admin API: `none`, every client; `review`, the users that the API server allows. */
  readonly adminAuth: 'none' | 'review';
  /** The URL to which agents send reports. Absent: the address of their stream. */
  readonly reportUrl?: string;
  readonly replication: Replication;
  /** Maximum number of writes of statuses and Events per second. */
  readonly statusWritesPerSecond: number;
  /** Maximum number of writes of revisions per second. */
  readonly historyWritesPerSecond: number;
  /** How long an override is kept after its end. */
  readonly overrideRetentionMs: number;
  /** Absent: pods are not injected. */
  readonly injection?: Omit<Injection, 'port'> & { readonly address: Address };
  /** How long to continue serving after SIGTERM. */
  readonly shutdownDelayMs: number;
  /** How long the resourceVersion must lag behind that of the agents before the store counts as restored. */
  readonly restoreAfterMs: number;
  readonly maxConnections: number;
  readonly maxStreamsPerSecond: number;
  readonly maxStreamsPerPod: number;
  /** Maximum number of report parts of one pod per second. */
  readonly maxReportsPerPod: number;
  /** Maximum number of report parts of all pods per second. */
  readonly maxReportsPerSecond: number;
  /** Limits of the fleet. */
  readonly bounds: Bounds;
  /** Maximum number of invalid tokens of one address per minute. */
  readonly maxBadTokens: number;
  /** How long a successful review of a token is cached. */
  readonly tokenReviewMs: number;
  readonly logLevel: z.infer<typeof LevelSchema>;
  readonly logFormat: 'auto' | 'json' | 'pretty';
}

const LevelSchema = z.enum(['trace', 'debug', 'info', 'warn', 'error']);
const optionalPort = port().optional();
const positive = (max: number) => wholeNumber(1, max);

/** The audience that the token of an agent must have. */
export const AUDIENCE = 'fuseboard';

/**
 * Adds missing brackets to an IPv6 address in a URL, because Kubernetes writes the address of a pod into a flag without
 * them. The last colon then separates the port.
 */
function bracketed(url: unknown): unknown {
  const [, scheme, address, rest] = /^(https?:\/\/)([0-9a-f:.]+)(:\d+(?:\/.*)?)$/i.exec(String(url)) ?? [];
  return address !== undefined && isIPv6(address) ? `${scheme}[${address}]${rest}` : url;
}

const FlagsSchema = z.object({
  policies: z.string().min(1).optional(),
  stateDir: z.string().min(1).optional(),
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
  watchNamespaces: z.string().default(''),
  agentAuth: z.enum(['token-review', 'file', 'none'], 'must be token-review, file or none').optional(),
  agentTokens: z.string().min(1).optional(),
  allowTokensWithoutPod: z.boolean().default(false),
  tlsCertFile: z.string().min(1).optional(),
  tlsKeyFile: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  port: optionalPort,
  metricsHost: z.string().min(1).optional(),
  metricsPort: optionalPort,
  adminAuth: z.enum(['none', 'review'], 'must be none or review').optional(),
  adminHost: z.string().min(1).optional(),
  adminPort: optionalPort,
  ...ReplicationFlags,
  ...InjectionFlags,
  reportUrl: z.preprocess(bracketed, z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })).optional(),
  statusWritesPerSecond: positive(1_000).prefault(FLAG_DEFAULTS.statusWritesPerSecond),
  historyWritesPerSecond: positive(1_000).prefault(FLAG_DEFAULTS.historyWritesPerSecond),
  overrideRetention: duration.prefault(FLAG_DEFAULTS.overrideRetention),
  shutdownDelay: duration.default(0),
  restoreAfter: duration.prefault(FLAG_DEFAULTS.restoreAfter),
  maxConnections: positive(1_000_000).prefault(FLAG_DEFAULTS.maxConnections),
  maxStreamsPerSecond: positive(1_000_000).prefault(FLAG_DEFAULTS.maxStreamsPerSecond),
  maxStreamsPerPod: positive(100_000).prefault(FLAG_DEFAULTS.maxStreamsPerPod),
  maxReportsPerPod: positive(100_000).prefault(FLAG_DEFAULTS.maxReportsPerPod),
  maxReportsPerSecond: positive(10_000_000).prefault(FLAG_DEFAULTS.maxReportsPerSecond),
  maxAgentsPerPod: positive(100_000).prefault(FLAG_DEFAULTS.maxAgentsPerPod),
  maxAgents: positive(1_000_000).prefault(FLAG_DEFAULTS.maxAgents),
  maxBreakersPerPod: positive(10_000_000).prefault(FLAG_DEFAULTS.maxBreakersPerPod),
  maxBreakers: positive(10_000_000).prefault(FLAG_DEFAULTS.maxBreakers),
  maxSnapshots: positive(1_000_000).prefault(FLAG_DEFAULTS.maxSnapshots),
  maxBadTokens: positive(1_000_000).prefault(FLAG_DEFAULTS.maxBadTokens),
  tokenReviewPeriod: duration
    .refine((ms) => ms >= 1_000 && ms <= 3_600_000, 'must be from 1s to 1h')
    .prefault(FLAG_DEFAULTS.tokenReviewPeriod),
  logLevel: LevelSchema.prefault(FLAG_DEFAULTS.logLevel),
  logFormat: z.enum(['auto', 'json', 'pretty']).prefault(FLAG_DEFAULTS.logFormat),
});

/**
 * Validates the flags of `fuseboard serve`, from the command line and the environment.
 *
 * @throws {UsageError} naming the flag.
 */
export function readConfig(flags: unknown): Config {
  const parsed = FlagsSchema.safeParse(flags);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new UsageError(`--${kebab(String(path[0]))}: ${message}`);
  }
  const f = parsed.data;
  if (f.policies !== undefined && (f.kubeconfig !== undefined || f.context !== undefined || f.watchNamespaces !== '')) {
    throw new UsageError('--policies reads a folder; remove --kubeconfig, --context and --watch-namespaces');
  }
  const inCluster = f.policies === undefined && f.kubeconfig === undefined;
  const auth = readAuth(f, inCluster);
  const host = f.host ?? (inCluster ? '::' : '127.0.0.1');
  if (auth.way === 'none' && !isLoopback(host)) {
    throw new UsageError(
      `--host: --agent-auth=none trusts whatever an agent sends, so it listens on loopback only, not on ${host}; use 127.0.0.1 or ::1, or --agent-auth=file with --agent-tokens`,
    );
  }
  if ((f.tlsCertFile === undefined) !== (f.tlsKeyFile === undefined)) {
    const [given, missing] = f.tlsKeyFile === undefined ? ['cert', 'key'] : ['key', 'cert'];
    throw new UsageError(`--tls-${given}-file needs --tls-${missing}-file: give both or neither`);
  }
  if (f.leaseNamespace !== undefined && f.policies !== undefined) {
    throw new UsageError(
      '--lease-namespace: replicas share a cluster, and --policies uses none; remove one of the two flags',
    );
  }
  const replication = readReplication(f);
  const adminAuth = f.adminAuth ?? (f.policies === undefined ? 'review' : 'none');
  const adminHost = readAdminHost(f, adminAuth, host);
  const injection = readInjection(f);
  const [agents, metrics, admin] = f.policies === undefined ? [8443, 8080, 8081] : [8700, 8701, 8702];
  return {
    source:
      f.policies !== undefined
        ? { kind: 'directory', folder: f.policies }
        : {
            kind: 'kubernetes',
            ...(f.kubeconfig !== undefined && { kubeconfig: f.kubeconfig }),
            ...(f.context !== undefined && { context: f.context }),
            namespaces: readNamespaces(f.watchNamespaces),
          },
    ...(f.stateDir !== undefined && { stateFolder: f.stateDir }),
    auth,
    ...(f.tlsCertFile !== undefined &&
      f.tlsKeyFile !== undefined && { tls: { certFile: f.tlsCertFile, keyFile: f.tlsKeyFile } }),
    agents: { host, port: f.port ?? agents! },
    metrics: { host: f.metricsHost ?? host, port: f.metricsPort ?? metrics! },
    admin: { host: adminHost, port: f.adminPort ?? admin! },
    adminAuth,
    ...(f.reportUrl !== undefined && { reportUrl: f.reportUrl }),
    replication,
    statusWritesPerSecond: f.statusWritesPerSecond,
    historyWritesPerSecond: f.historyWritesPerSecond,
    overrideRetentionMs: f.overrideRetention,
    shutdownDelayMs: f.shutdownDelay,
    restoreAfterMs: f.restoreAfter,
    ...(injection && {
      injection: { url: injection.url, caFile: injection.caFile, address: { host, port: injection.port } },
    }),
    maxConnections: f.maxConnections,
    maxStreamsPerSecond: f.maxStreamsPerSecond,
    maxStreamsPerPod: f.maxStreamsPerPod,
    maxReportsPerPod: f.maxReportsPerPod,
    maxReportsPerSecond: f.maxReportsPerSecond,
    bounds: {
      agentsPerPod: f.maxAgentsPerPod,
      agents: f.maxAgents,
      breakersPerPod: f.maxBreakersPerPod,
      breakers: f.maxBreakers,
      snapshots: f.maxSnapshots,
    },
    maxBadTokens: f.maxBadTokens,
    tokenReviewMs: f.tokenReviewPeriod,
    logLevel: f.logLevel,
    logFormat: f.logFormat,
  };
}

function readNamespaces(list: string): string[] {
  const names = list.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  const wrong = names.find((name) => !NAMESPACE_PATTERN.test(name));
  if (wrong === undefined) return [...new Set(names)];
  throw new UsageError(
    `--watch-namespaces: "${wrong}" is not the name of a namespace; give names of lower-case letters, digits and hyphens, separated by commas`,
  );
}

function readAuth(f: z.infer<typeof FlagsSchema>, inCluster: boolean): Config['auth'] {
  const way =
    f.agentAuth ?? (f.policies === undefined ? 'token-review' : f.agentTokens === undefined ? 'none' : 'file');
  if (way !== 'token-review' && inCluster) {
    throw new UsageError(`--agent-auth: ${way} is not allowed in a pod; remove it to use token-review`);
  }
  if (way === 'token-review' && f.policies !== undefined) {
    throw new UsageError('--agent-auth: token-review needs an API server, and --policies uses none; use file or none');
  }
  if (way === 'file' && f.agentTokens === undefined) {
    throw new UsageError('--agent-auth: file needs --agent-tokens FILE, with lines of a token and a namespace');
  }
  if (way !== 'file' && f.agentTokens !== undefined) {
    throw new UsageError(`--agent-tokens is for --agent-auth=file, not ${way}; remove one of the two`);
  }
  if (way !== 'token-review' && f.allowTokensWithoutPod) {
    throw new UsageError(`--allow-tokens-without-pod is for --agent-auth=token-review, not ${way}; remove it`);
  }
  if (way === 'file') return { way, path: f.agentTokens! };
  return way === 'none' ? { way } : { way, audience: AUDIENCE, withoutPod: f.allowTokensWithoutPod };
}

/** Absent: loopback, which `kubectl port-forward` reaches in a pod. */
function readAdminHost(f: z.infer<typeof FlagsSchema>, way: Config['adminAuth'], host: string): string {
  if (way === 'review' && f.policies !== undefined) {
    throw new UsageError('--admin-auth: review needs an API server, and --policies uses none; remove it to use none');
  }
  const adminHost = f.adminHost ?? (isLoopback(host) ? host : '127.0.0.1');
  if (isLoopback(adminHost)) return adminHost;
  if (way === 'none') {
    throw new UsageError(
      `--admin-host: --admin-auth=none allows every client, so the admin API listens on loopback only, not on ${adminHost}; use 127.0.0.1 or ::1, or --admin-auth=review`,
    );
  }
  if (f.tlsCertFile === undefined) {
    throw new UsageError(
      `--admin-host: users send tokens to the admin API, so ${adminHost} needs --tls-cert-file and --tls-key-file; or use 127.0.0.1`,
    );
  }
  return adminHost;
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
