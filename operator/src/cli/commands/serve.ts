import { Command, Option } from 'commander';
import type { Logger } from 'pino';
import { type Config, readConfig } from '../../config/config.ts';
import { createLog } from '../../log.ts';
import { type Parts, serve } from '../../serve.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { stopSignal } from '../signals.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

/** How long agents may take to go away after SIGTERM. */
const DRAIN_MS = 25_000;

const EXAMPLES = `
Examples:
  fuseboard serve --policies ./policies                 without a cluster, from a folder of YAML files
  fuseboard serve --kubeconfig ~/.kube/config           from a cluster, running outside it
  FUSEBOARD_POLICIES=./policies fuseboard serve         the same options from the environment

Ports: 8700 agents, 8701 metrics and probes, 8702 admin with --policies; otherwise 8443, 8080 and 8081.
SIGTERM sends the agents away and ends within 25 s; a second signal ends at once.`;

const option = (flags: string, description: string) => {
  const made = new Option(flags, description);
  return made.env(`FUSEBOARD_${made.name().replaceAll('-', '_').toUpperCase()}`);
};

/**
 * Makes what the configuration asks for: the source of policies, the place for what is said of them, what knows agents,
 * and the other replicas.
 */
export type Construct = (config: Config, log: Logger) => Promise<Parts>;

export function serveCommand(terminal: Terminal, construct: Construct, setExitCode: SetExitCode): Command {
  return new Command('serve')
    .description('Watch policies, push them to agents, collect what agents report.')
    .addOption(
      option('--policies <dir>', 'read policies from the YAML and JSON files of this folder, without a cluster'),
    )
    .addOption(option('--state-dir <dir>', 'keep the last good text of each policy file here over restarts'))
    .addOption(option('--kubeconfig <file>', 'reach the cluster by this file (absent: the account of the pod)'))
    .addOption(option('--context <name>', 'the context of the kubeconfig to use (absent: its current one)'))
    .addOption(option('--watch-namespaces <list>', 'watch only these namespaces, separated by commas (absent: all)'))
    .addOption(
      option(
        '--agent-auth <way>',
        'how agents are known: token-review (absent: with a cluster), file, or none, which believes them (absent: with --policies)',
      ),
    )
    .addOption(option('--agent-tokens <file>', 'lines of a token and a namespace, for --agent-auth=file'))
    .addOption(option('--allow-tokens-without-pod', 'with token-review: serve tokens that are bound to no pod too'))
    .addOption(
      option('--tls-cert-file <file>', "the certificate of the agents' port, in PEM; read again when it changes"),
    )
    .addOption(option('--tls-key-file <file>', 'its key'))
    .addOption(option('--host <address>', 'listen for agents on this address (absent: 127.0.0.1, in a pod: 0.0.0.0)'))
    .addOption(option('--port <port>', 'listen for agents on this port; 0 takes any free one'))
    .addOption(option('--metrics-host <address>', 'serve metrics and probes on this address (absent: as --host)'))
    .addOption(option('--metrics-port <port>', 'serve metrics and probes on this port'))
    .addOption(
      option(
        '--admin-auth <way>',
        'who may use the admin API: review, those whom the API server lets read or change policies (absent: with a cluster), or none, everybody on this machine (absent: with --policies)',
      ),
    )
    .addOption(
      option(
        '--admin-host <address>',
        'serve the admin API on this address (absent: loopback); another needs review and the certificate',
      ),
    )
    .addOption(option('--admin-port <port>', 'serve the admin API on this port'))
    .addOption(option('--report-url <url>', 'where agents report (absent: where they opened their stream)'))
    .addOption(
      option(
        '--lease-namespace <name>',
        'elect a leader among replicas and share counts in this namespace (absent: in a pod its own, elsewhere there is no other replica)',
      ),
    )
    .addOption(
      option('--lease-name <name>', 'the Lease of the leader; another one for another operator').default('fuseboard'),
    )
    .addOption(option('--replica-name <name>', 'unique name of this replica (absent: the name of the host or pod)'))
    .addOption(option('--lease-duration <time>', 'how long others wait for a leader that is silent').default('15s'))
    .addOption(option('--lease-renew-deadline <time>', 'how long a leader continues without a renewal').default('10s'))
    .addOption(option('--lease-retry-period <time>', 'the wait between two looks at the Lease').default('2s'))
    .addOption(option('--replica-renew-period <time>', 'how often a replica shows that it lives').default('10s'))
    .addOption(option('--replica-expiry <time>', 'after how long a silent replica is not counted').default('30s'))
    .addOption(
      option('--status-writes-per-second <n>', 'statuses and Events that are written a second, at most').default('20'),
    )
    .addOption(
      option('--history-writes-per-second <n>', 'revisions of policies that are stored a second, at most').default(
        '20',
      ),
    )
    .addOption(
      option('--override-retention <time>', 'how long an override stays after its end, until it is removed').default(
        '1h',
      ),
    )
    .addOption(
      option(
        '--restore-after <time>',
        'how long the API server must show less than agents have seen, until they are told to go back to that: a store restored from a backup',
      ).default('30s'),
    )
    .addOption(
      option(
        '--webhook-port <port>',
        'answer the API server about new pods on this port, so that pods find the operator by themselves (absent: not)',
      ),
    )
    .addOption(option('--webhook-agents-url <url>', 'the address that the agents of those pods connect to'))
    .addOption(
      option('--webhook-ca-file <file>', 'the authority that they are told to trust, in PEM; read again for each pod'),
    )
    .addOption(option('--max-connections <n>', 'connections of agents at once').default('20000'))
    .addOption(
      option('--max-streams-per-second <n>', 'new streams a second; more are asked to come later').default('500'),
    )
    .addOption(option('--max-streams-per-pod <n>', 'streams of one pod at once').default('64'))
    .addOption(option('--max-bad-tokens <n>', 'with token-review: bad tokens of one address in a minute').default('60'))
    .addOption(
      option(
        '--token-review-period <time>',
        'how long a review of a token is good for: so long the token of a pod that was deleted may continue reporting',
      ).default('14s'),
    )
    .addOption(option('--max-reports-per-pod <n>', 'parts of reports of one pod a second').default('100'))
    .addOption(option('--log-level <level>', 'trace, debug, info, warn or error').default('info'))
    .addOption(option('--log-format <format>', 'auto (text on a terminal), json or pretty').default('auto'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: unknown) => {
      const config = readConfig(flags);
      const log = createLog(config.logLevel, config.logFormat, terminal.out);
      const parts = await construct(config, log);
      const serving = await serve(config, parts, log).catch((error: Error) => {
        throw new CliError(EXIT_CODES.unreachable, error.message);
      });
      await stopSignal();
      const again = stopSignal().then(() => process.exit(EXIT_CODES.ok));
      await Promise.race([serving.stop(DRAIN_MS), again]);
      setExitCode(EXIT_CODES.ok);
    });
}
