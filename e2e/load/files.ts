import { execFileSync } from 'node:child_process';
import { type LoadOptions, UsageError } from './options.ts';

/** Beyond sockets: modules, logs, pipes. */
const OTHERS = 100;

/** What each kind of process must be able to hold open. */
export interface Files {
  readonly limit: number;
  readonly operator: number;
  readonly process: number;
  /** Whether each agent keeps a second connection for its reports, as real agents do. */
  readonly keepReports: boolean;
}

/**
 * How many open files a run needs.
 *
 * @throws {UsageError} when the limit of this machine is below what the streams alone need.
 */
export function filesFor({ agents, processes }: Pick<LoadOptions, 'agents' | 'processes'>, limit: number): Files {
  const each = Math.ceil(agents / processes);
  const needed = (perAgent: number) => ({
    operator: agents * perAgent + OTHERS,
    process: each * (perAgent + 1) + OTHERS,
  });
  for (const perAgent of [2, 1]) {
    const files = needed(perAgent);
    if (Math.max(files.operator, files.process) <= limit) return { limit, ...files, keepReports: perAgent === 2 };
  }
  const { operator, process } = needed(1);
  throw new UsageError(
    `--agents: ${agents} agents need a limit of ${Math.max(operator, process)} open files, and it is ${limit}; raise it (ulimit -n) or take fewer agents or more --processes`,
  );
}

/** The limit of open files that a process of this machine can raise itself to, as Node does when it starts. */
export function fileLimit(): number {
  if (process.platform === 'win32') return 1_000_000;
  const text = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? 1_000_000 : Number(text);
}
