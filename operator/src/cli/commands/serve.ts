import { Command, Option } from 'commander';
import type { Logger } from 'pino';
import { type Config, readConfig } from '../../config/config.ts';
import { FLAG_DEFAULTS } from '../../config/defaults.ts';
import { createLog } from '../../log.ts';
import { type Adapters, serve } from '../../serve.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { stopSignal } from '../signals.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

/** How long agents may take to disconnect after `--shutdown-delay`, in ms; then their connections are closed. */
const DRAIN_MS = 25_000;

const EXAMPLES = `
Examples:
  fuseboard serve --policies ./policies                 without a cluster, from a folder of YAML files
  fuseboard serve --kubeconfig ~/.kube/config           from a cluster, running outside it
  FUSEBOARD_POLICIES=./policies fuseboard serve         the same options from the environment

Ports: 8700 agents, 8701 metrics and probes, 8702 admin with --policies; otherwise 8443, 8080 and 8081.
On SIGTERM the operator waits for --shutdown-delay and until no agent or API server connects any more (10 s at most), tells
agents to reconnect elsewhere, closes their connections 25 s after the delay at most, lets writes in progress end and
exits. A second signal makes it exit at once.`;

/** An option that the environment sets too, with its default from the table of defaults. */
const option = (flags: string, description: string) => {
  const made = new Option(flags, description);
  const standard = (FLAG_DEFAULTS as Readonly<Record<string, string>>)[made.attributeName()];
  if (standard !== undefined) made.default(standard);
  return made.env(`FUSEBOARD_${made.name().replaceAll('-', '_').toUpperCase()}`);
};

/**
 * Creates the adapters of an operator from its configuration: the source of policies, the status sink, the
 * authenticator of agents, and the other replicas.
 */
export type Construct = (config: Config, log: Logger) => Promise<Adapters>;

export function serveCommand(terminal: Terminal, construct: Construct, setExitCode: SetExitCode): Command {
  return new Command('serve')
    .description('Run the operator: watch policies, push them to agents, collect their reports.')
    .addOption(
      option('--policies <dir>', 'read policies from the YAML and JSON files of this folder, without a cluster'),
    )
    .addOption(
      option(
        '--state-dir <dir>',
        'folder that keeps outages for the next start, and with --policies the last valid text of each file, overrides and history',
      ),
    )
    .addOption(option('--kubeconfig <file>', 'kubeconfig of the cluster (absent: the ServiceAccount of the pod)'))
    .addOption(option('--context <name>', 'the context of the kubeconfig to use (absent: its current one)'))
    .addOption(option('--watch-namespaces <list>', 'watch only these namespaces, separated by commas (absent: all)'))
    .addOption(
      option(
        '--agent-auth <way>',
        'how agents are authenticated: token-review (default with a cluster), file, or none, which trusts what they send (default with --policies)',
      ),
    )
    .addOption(option('--agent-tokens <file>', 'file with a token and a namespace on each line, for --agent-auth=file'))
    .addOption(
      option('--allow-tokens-without-pod', 'with token-review: also accept tokens that are not bound to a pod'),
    )
    .addOption(option('--tls-cert-file <file>', "certificate of the agents' port, in PEM; reloaded when it changes"))
    .addOption(option('--tls-key-file <file>', 'private key of --tls-cert-file, in PEM'))
    .addOption(
      option(
        '--host <address>',
        'listen for agents on this address (absent: 127.0.0.1, in a pod: ::, which is every address, of IPv4 too)',
      ),
    )
    .addOption(option('--port <port>', 'listen for agents on this port; 0 takes any free one'))
    .addOption(option('--metrics-host <address>', 'serve metrics and probes on this address (absent: as --host)'))
    .addOption(option('--metrics-port <port>', 'serve metrics and probes on this port'))
    .addOption(
      option(
        '--admin-auth <way>',
        'authorization of the admin API: review, users whom the API server allows to read or change policies (default with a cluster), or none, every process on this machine (default with --policies)',
      ),
    )
    .addOption(
      option(
        '--admin-host <address>',
        'serve the admin API on this address (absent: loopback); any other address needs --admin-auth=review and a certificate',
      ),
    )
    .addOption(option('--admin-port <port>', 'serve the admin API on this port'))
    .addOption(option('--report-url <url>', 'URL to which agents send reports (absent: the address of their stream)'))
    .addOption(
      option(
        '--lease-namespace <name>',
        "namespace for leader election and shared counts (absent: the pod's own; outside a pod there is a single replica)",
      ),
    )
    .addOption(option('--lease-name <name>', 'name of the leader election Lease; use another for each operator'))
    .addOption(option('--replica-name <name>', 'unique name of this replica (absent: the name of the host or pod)'))
    .addOption(
      option('--lease-duration <time>', 'how long other replicas wait for a silent leader before they take over'),
    )
    .addOption(option('--lease-renew-deadline <time>', 'how long a leader keeps leading without a successful renewal'))
    .addOption(option('--lease-retry-period <time>', 'interval between two checks of the Lease'))
    .addOption(option('--replica-renew-period <time>', 'interval at which a replica renews its heartbeat'))
    .addOption(
      option('--replica-expiry <time>', 'how long a replica may be silent before it is removed from the counts'),
    )
    .addOption(option('--status-writes-per-second <n>', 'limit of writes of statuses and Events per second'))
    .addOption(option('--history-writes-per-second <n>', 'limit of stored revisions of policies per second'))
    .addOption(option('--override-retention <time>', 'how long an override is kept after its end'))
    .addOption(
      option(
        '--restore-after <time>',
        "how long the API server's resourceVersion must lag behind the agents' before it is treated as restored from a backup and agents are reset",
      ),
    )
    .addOption(
      option(
        '--shutdown-delay <time>',
        'after SIGTERM, time to keep serving while /readyz fails, so that clients move away (absent: no delay)',
      ),
    )
    .addOption(option('--webhook-port <port>', 'serve the pod injection webhook on this port (absent: no webhook)'))
    .addOption(option('--webhook-agents-url <url>', 'URL that agents of injected pods connect to'))
    .addOption(option('--webhook-ca-file <file>', 'certificate authority for injected pods, in PEM; read for each pod'))
    .addOption(option('--max-connections <n>', 'limit of concurrent agent connections'))
    .addOption(
      option('--max-streams-per-second <n>', 'limit of new streams per second; the others are told when to retry'),
    )
    .addOption(
      option('--max-streams-per-pod <n>', 'limit of concurrent streams of one pod, and of its concurrent reports'),
    )
    .addOption(option('--max-bad-tokens <n>', 'with token-review: limit of invalid tokens from one address per minute'))
    .addOption(
      option(
        '--token-review-period <time>',
        'how long the result of a TokenReview is cached; a deleted pod can report for that long and 10 s',
      ),
    )
    .addOption(
      option(
        '--max-reports-per-pod <n>',
        'limit of report parts from one pod per second; every 2 KiB of a part count as one more',
      ),
    )
    .addOption(option('--max-reports-per-second <n>', 'limit of report parts from all pods per second'))
    .addOption(option('--max-agents-per-pod <n>', 'limit of processes of one pod that are remembered'))
    .addOption(option('--max-agents <n>', 'limit of processes of all pods that are remembered'))
    .addOption(option('--max-breakers-per-pod <n>', 'limit of breakers and keys of one pod whose state is remembered'))
    .addOption(option('--max-breakers <n>', 'limit of breakers and keys of all pods whose state is remembered'))
    .addOption(option('--max-snapshots <n>', 'limit of different policy sets that agents are to run'))
    .addOption(option('--log-level <level>', 'trace, debug, info, warn or error'))
    .addOption(option('--log-format <format>', 'auto (text on a terminal), json or pretty'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: unknown) => {
      const config = readConfig(flags);
      const stopping = stopSignal();
      let serving: Awaited<ReturnType<typeof serve>> | undefined;
      // As the first process of a container, one without a handler would ignore the signal while it starts.
      void stopping.then(() => serving ?? process.exit(EXIT_CODES.ok));
      const log = createLog(config.logLevel, config.logFormat, terminal.out);
      const adapters = await construct(config, log);
      serving = await serve(config, adapters, log).catch((error: Error) => {
        throw new CliError(EXIT_CODES.unreachable, error.message);
      });
      await stopping;
      const again = stopSignal().then(() => process.exit(EXIT_CODES.ok));
      await Promise.race([serving.stop(DRAIN_MS), again]);
      setExitCode(EXIT_CODES.ok);
    });
}
