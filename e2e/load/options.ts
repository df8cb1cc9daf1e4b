import { parseArgs } from 'node:util';

/** What a run measures. */
export interface LoadOptions {
  readonly agents: number;
  readonly policies: number;
  /** How many of the policies are for the agents of the run; the others select agents that do not exist. */
  readonly matched: number;
  /** Edits of one policy, each followed by a bare broadcast of the same bytes. */
  readonly edits: number;
  readonly processes: number;
  /** How long a steady state is watched for the cost of reports, in ms; 0 leaves it out. */
  readonly steadyMs: number;
  readonly storm: boolean;
  /** Whether agents over TLS are measured too. */
  readonly tls: boolean;
  /** Whether agents that show tokens are measured too, on a real API server of the run's own. */
  readonly reviews: boolean;
  /** Numbers of policies at which the cost of one edit is measured; empty leaves it out. */
  readonly sweep: readonly number[];
  /** Loopback addresses that the agents come from. */
  readonly sources: number;
  readonly where:
    | { readonly kind: 'folder' }
    | { readonly kind: 'cluster' }
    | {
        readonly kind: 'target';
        readonly url: string;
        readonly metricsUrl?: string;
        readonly kubeconfig?: string;
        readonly folder?: string;
      };
  readonly namespace: string;
  readonly tokenFile?: string;
  /** Arguments for the operator that the run starts, such as `--max-streams-per-second=1000`. */
  readonly operator: readonly string[];
  /** Where profiles of the operator's CPU go. */
  readonly profile?: string;
  readonly json?: string;
  readonly check: boolean;
  readonly maxMinutes: number;
}

/** A command line that cannot be used; the message says what to change. */
export class UsageError extends Error {}

export const USAGE = `Usage: npm run bench:fanout -- [options]

  --agents N          simulated agents, 1 to 50000 (default 1000)
  --policies M        policies, 1 to 10000 (default 100)
  --matched K         how many of them are for the agents (default: 10, or M when that is less)
  --edits E           edits that are timed, 1 to 1000 (default 5)
  --processes P       processes that the agents share (default: one for every 2500, at least 2)
  --steady SECONDS    how long to watch reports (default 20; 0: not at all)
  --no-storm          leave out the kill and restart of the operator
  --no-tls            leave out the agents over TLS
  --reviews           also agents that show tokens, with a real API server that the run starts
  --sweep LIST        also the cost of one edit at these numbers of policies (10,100,1000,10000)
  --sources N         loopback addresses that agents come from (default 250 on Linux, else 1)
  --cluster           policies in a real API server that the run starts, instead of a folder
  --target URL        an operator that runs already; with --kubeconfig FILE or --folder DIR, where its policies are,
                      and --metrics URL of its metrics
  --namespace NAME    namespace of the policies (default load)
  --token-file FILE   the token that agents show
  --operator=ARG      an argument for the operator that the run starts; may be repeated
  --profile DIR       write CPU profiles of the operator there
  --json FILE         write all figures there
  --check             exit with 1 when a budget is missed or was not measured, and name it
  --max-minutes N     give up after so long (default 10)`;

/**
 * Reads the command line.
 *
 * @throws {UsageError} naming the option.
 */
export function readOptions(args: readonly string[]): LoadOptions {
  const v = parse(args);
  const agents = whole('agents', v.agents, 1, 50_000);
  const policies = whole('policies', v.policies, 1, 10_000);
  const minutes = whole('max-minutes', v['max-minutes'], 1, 120);
  if (v.cluster && v.target !== undefined) throw new UsageError('--cluster and --target: leave out one of the two');
  const linux = process.platform === 'linux';
  return {
    agents,
    policies,
    matched: whole('matched', v.matched ?? String(Math.min(10, policies)), 1, Math.min(policies, 2_000)),
    edits: whole('edits', v.edits, 1, 1_000),
    processes: whole('processes', v.processes ?? String(Math.max(2, Math.ceil(agents / 2_500))), 1, 64),
    steadyMs: whole('steady', v.steady, 0, 600) * 1_000,
    storm: !v['no-storm'],
    tls: !v['no-tls'] && v.target === undefined,
    reviews: v.reviews,
    sweep: (v.sweep ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => whole('sweep', part, 1, 10_000)),
    sources: whole('sources', v.sources ?? (linux ? '250' : '1'), 1, 60_000),
    where: whereOf(v),
    namespace: v.namespace,
    ...(v['token-file'] !== undefined && { tokenFile: v['token-file'] }),
    operator: v.operator ?? [],
    ...(v.profile !== undefined && { profile: v.profile }),
    ...(v.json !== undefined && { json: v.json }),
    check: v.check,
    maxMinutes: minutes,
  };
}

function whereOf(v: ReturnType<typeof parse>): LoadOptions['where'] {
  if (v.cluster) return { kind: 'cluster' };
  if (v.target === undefined) return { kind: 'folder' };
  if (!URL.canParse(v.target)) throw new UsageError(`--target: must be a URL such as http://127.0.0.1:8700`);
  if ((v.kubeconfig === undefined) === (v.folder === undefined)) {
    throw new UsageError('--target needs to know where its policies are: one of --kubeconfig and --folder');
  }
  return {
    kind: 'target',
    url: v.target,
    ...(v.metrics !== undefined && { metricsUrl: v.metrics }),
    ...(v.kubeconfig !== undefined && { kubeconfig: v.kubeconfig }),
    ...(v.folder !== undefined && { folder: v.folder }),
  };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(`--${name}: must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        agents: { type: 'string', default: '1000' },
        policies: { type: 'string', default: '100' },
        matched: { type: 'string' },
        edits: { type: 'string', default: '5' },
        processes: { type: 'string' },
        steady: { type: 'string', default: '20' },
        'no-storm': { type: 'boolean', default: false },
        'no-tls': { type: 'boolean', default: false },
        reviews: { type: 'boolean', default: false },
        sweep: { type: 'string' },
        sources: { type: 'string' },
        cluster: { type: 'boolean', default: false },
        target: { type: 'string' },
        metrics: { type: 'string' },
        kubeconfig: { type: 'string' },
        folder: { type: 'string' },
        namespace: { type: 'string', default: 'load' },
        'token-file': { type: 'string' },
        operator: { type: 'string', multiple: true },
        profile: { type: 'string' },
        json: { type: 'string' },
        check: { type: 'boolean', default: false },
        'max-minutes': { type: 'string', default: '10' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
