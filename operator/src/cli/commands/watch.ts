import { setTimeout as wait } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { StateChange } from '../../core/fleet/fleet-breakers.ts';
import type { LiveDifference, LiveState } from '../../http/admin/live/live.ts';
import type { AdminClient } from '../client/admin.ts';
import type { Reach, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { type Colour, coloured } from '../output/output.ts';
import { stopSignal } from '../signals.ts';
import { onTarget, type ScopeFlags, scopeOf, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard watch -A                                    every transition as it happens, until Ctrl-C
  fuseboard watch -n shop -o json                       one line of JSON each, for a program`;

interface Flags extends ScopeFlags {
  readonly output: 'text' | 'json';
}

/** A printed state change of one agent. */
interface Seen extends StateChange {
  readonly namespace: string;
  readonly breaker: string;
  readonly policy?: string;
}

/** The operator sends a heartbeat every two seconds. A stream that is silent for longer than this is opened again. */
const SILENCE_MS = 10_000;
const RETRY_MS = 1_000;

export function watchCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withScope(new Command('watch'))
    .description('Print transitions as they happen, until Ctrl-C.')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      const end = new AbortController();
      void stopSignal().then(() => end.abort());
      const print = (seen: Seen) =>
        terminal.out.write(flags.output === 'json' ? `${JSON.stringify(seen)}\n` : inWords(seen, terminal));
      await onTarget(reach, flags, (target) => follow(target, scopeOf(flags, target), print, terminal, end.signal));
      setExitCode(EXIT_CODES.ok);
    });
}

/**
 * Follows every replica until `end` is aborted, because each replica knows only the transitions of its own agents. New
 * replicas are followed too.
 *
 * @throws {CliError} when no replica can be followed at the start.
 */
async function follow(
  target: Target,
  namespace: string | undefined,
  print: (seen: Seen) => void,
  { err }: Terminal,
  end: AbortSignal,
): Promise<void> {
  const readers = new Map<string, TransitionReader>();
  const following = new Set<string>();
  const failures = new Map<string, string>();
  const broken = new AbortController();
  let began = false;
  let asked = 0;
  const failed = (replica: string, reason: string) => {
    if (failures.get(replica) !== reason) {
      err.write(`the transitions of replica "${replica}" are not shown: ${reason}; trying again\n`);
    }
    failures.set(replica, reason);
  };
  const one = async (replica: string, admin: AdminClient) => {
    const reader = readers.get(replica) ?? new TransitionReader();
    readers.set(replica, reader);
    const heard = ({ others }: Pick<LiveState, 'others'>) => {
      began = true;
      failures.delete(replica);
      if (others.length >= asked) for (const other of others) failed(other, target.unlistedReason);
    };
    following.add(replica);
    try {
      for await (const seen of transitions(admin, namespace, { reader, heard }, end)) print(seen);
    } catch (error) {
      if (end.aborted) return;
      if (!(error instanceof CliError) || (!began && following.size === 1)) broken.abort(error);
      else failed(replica, error.message);
    } finally {
      following.delete(replica);
    }
  };
  const stop = AbortSignal.any([end, broken.signal]);
  for (let first = true; !stop.aborted; first = false) {
    const replicas = await target.replicas().catch((error: unknown) => {
      if (first || !(error instanceof CliError)) throw error;
      failed('any', error.message);
      return [];
    });
    asked = replicas.length;
    const there = new Set([...following, ...replicas.map(({ name }) => name)]);
    if (asked > 0) for (const name of readers.keys()) if (!there.has(name)) readers.delete(name);
    for (const { name, admin } of replicas) {
      if (typeof admin === 'string') failed(name, admin);
      else if (!following.has(name)) void one(name, admin);
    }
    if (first && following.size === 0) throw new CliError(EXIT_CODES.unreachable, [...failures.values()].join('; '));
    await wait(RETRY_MS, undefined, { signal: stop }).catch(() => {});
  }
  if (broken.signal.aborted) throw broken.signal.reason;
}

async function* transitions(
  operator: AdminClient,
  namespace: string | undefined,
  { reader, heard }: { readonly reader: TransitionReader; readonly heard: (state: Pick<LiveState, 'others'>) => void },
  end: AbortSignal,
): AsyncGenerator<Seen> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const signal = AbortSignal.any([end, silence.signal]);
    for await (const { event, data } of operator.events('/v1/watch', { namespace }, signal)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      if (event === 'state') heard(data as LiveState);
      if (event === 'state' || event === 'difference') yield* reader.read(data as LiveState | LiveDifference);
    }
  } catch (error) {
    if (silence.signal.aborted) throw new CliError(EXIT_CODES.unreachable, 'the operator has been silent for 10 s');
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT_CODES.unreachable, `the stream was interrupted: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Two reports of one transition may differ by rounding. */
const SAME_MS = 50;

/** Yields the new transitions in the rows of a stream. It keeps its state when the stream is opened again. */
export class TransitionReader {
  /**
   * The changes in the last row of each id. Reports arrive in any order, so a time alone does not show which are new.
   */
  readonly #known = new Map<string, readonly StateChange[]>();
  readonly #policies = new Map<string, string>();
  #began = false;

  *read({ policies = [], rows = [] }: Pick<LiveDifference, 'policies' | 'rows'>): Generator<Seen> {
    for (const { uid, name } of policies) this.#policies.set(uid, name);
    for (const { id, namespace, breaker, uid, changes } of rows) {
      const known = this.#known.get(id) ?? [];
      const policy = this.#policies.get(uid ?? '');
      this.#known.set(id, changes);
      if (!this.#began) continue;
      for (const change of changes) {
        if (known.some((one) => same(one, change))) continue;
        yield { ...change, namespace, breaker, ...(policy !== undefined && { policy }) };
      }
    }
    this.#began = true;
  }
}

const same = (a: StateChange, b: StateChange) =>
  a.instance === b.instance &&
  a.from === b.from &&
  a.to === b.to &&
  a.reason === b.reason &&
  Math.abs(a.at - b.at) < SAME_MS;

const COLOURS: Record<StateChange['to'], Colour> = { open: 'red', 'half-open': 'yellow', closed: 'green' };

function inWords({ at, namespace, breaker, policy, from, to, reason, instance }: Seen, terminal: Terminal): string {
  const time = new Date(at).toISOString().slice(11, 19);
  const governed = policy === undefined ? '' : ` (policy ${policy})`;
  return `${time} ${namespace}/${breaker} ${from} -> ${coloured(to, COLOURS[to], terminal)} on ${instance}: ${reason}${governed}\n`;
}
