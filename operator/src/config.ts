import { z } from 'zod';
import type { Address } from './http/server.ts';
import { type Replication, ReplicationFlags, readReplication } from './replication.ts';

/** What `fuseboard serve` runs with. */
export interface Config {
  readonly source:
    | { readonly kind: 'directory'; readonly folder: string; readonly stateFolder?: string }
    | {
        readonly kind: 'kubernetes';
        readonly kubeconfig?: string;
        readonly context?: string;
        readonly namespaces: readonly string[];
      };
  readonly agents: Address;
  readonly metrics: Address;
  readonly admin: Address;
  readonly reportUrl?: string;
  readonly replication: Replication;
  readonly maxConnections: number;
  readonly maxStreamsPerSecond: number;
  readonly logLevel: z.infer<typeof LevelSchema>;
  readonly logFormat: 'auto' | 'json' | 'pretty';
}

/** A flag or a combination of flags that cannot be used; the message names the flag and says what to do. */
export class UsageError extends Error {}

const LevelSchema = z.enum(['trace', 'debug', 'info', 'warn', 'error']);
const port = z.coerce.number('must be a whole number').int('must be a whole number').min(0).max(65_535).optional();
const positive = (max: number) =>
  z.coerce.number('must be a whole number').int('must be a whole number').min(1).max(max);

const FlagsSchema = z.object({
  policies: z.string().min(1).optional(),
  stateDir: z.string().min(1).optional(),
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
  watchNamespaces: z.string().default(''),
  agentAuth: z.literal('none', 'must be none: no other way of knowing agents is built in'),
  host: z.string().min(1),
  port,
  metricsHost: z.string().min(1).optional(),
  metricsPort: port,
  adminPort: port,
  ...ReplicationFlags,
  reportUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  maxConnections: positive(1_000_000),
  maxStreamsPerSecond: positive(1_000_000),
  logLevel: LevelSchema,
  logFormat: z.enum(['auto', 'json', 'pretty']),
});

/**
 * Reads the flags of `fuseboard serve`, which are also its environment.
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
    throw new UsageError('--policies reads a folder; leave out --kubeconfig, --context and --watch-namespaces');
  }
  if (f.stateDir !== undefined && f.policies === undefined) {
    throw new UsageError('--state-dir keeps the last good text of files; it needs --policies');
  }
  if (!isLoopback(f.host)) {
    throw new UsageError(
      `--host: --agent-auth=none believes whatever an agent says, so it listens on loopback only, not on ${f.host}; use 127.0.0.1 or ::1`,
    );
  }
  const inCluster = f.policies === undefined && f.kubeconfig === undefined;
  if (f.leaseNamespace !== undefined && f.policies !== undefined) {
    throw new UsageError(
      '--lease-namespace: replicas meet in a cluster, and --policies has none; leave one of them out',
    );
  }
  const replication = readReplication(f);
  if (typeof replication === 'string') throw new UsageError(replication);
  const [agents, metrics, admin] = f.policies === undefined ? [8443, 8080, 8081] : [8700, 8701, 8702];
  return {
    source:
      f.policies !== undefined
        ? { kind: 'directory', folder: f.policies, ...(f.stateDir !== undefined && { stateFolder: f.stateDir }) }
        : {
            kind: 'kubernetes',
            ...(f.kubeconfig !== undefined && { kubeconfig: f.kubeconfig }),
            ...(f.context !== undefined && { context: f.context }),
            namespaces: f.watchNamespaces.split(',').filter((name) => name !== ''),
          },
    agents: { host: f.host, port: f.port ?? agents! },
    metrics: { host: f.metricsHost ?? (inCluster ? '0.0.0.0' : f.host), port: f.metricsPort ?? metrics! },
    admin: { host: f.host, port: f.adminPort ?? admin! },
    ...(f.reportUrl !== undefined && { reportUrl: f.reportUrl }),
    replication,
    maxConnections: f.maxConnections,
    maxStreamsPerSecond: f.maxStreamsPerSecond,
    logLevel: f.logLevel,
    logFormat: f.logFormat,
  };
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
