import { setTimeout as wait } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { StateChange } from '../../core/fleet/circuits.ts';
import type { LiveDifference, LiveState } from '../../http/admin/live/live.ts';
import type { AdminClient } from '../client/admin.ts';
import type { Reach } from '../client/target.ts';
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

/** A change of state on one agent, as it is printed. */
interface Seen extends StateChange {
  readonly namespace: string;
  readonly breaker: string;
  readonly policy?: string;
}

/** The operator says every two seconds that it is there; a stream that is silent for longer is opened again. */
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
      await onTarget(reach, flags, async (target) => {
        const namespace = scopeOf(flags, target);
        const operator = await target.operator();
        const reader = new TransitionReader();
        for (let first = true; !end.signal.aborted; first = false) {
          try {
            for await (const seen of transitions(operator, namespace, reader, end.signal)) {
              terminal.out.write(flags.output === 'json' ? `${JSON.stringify(seen)}\n` : inWords(seen, terminal));
            }
          } catch (error) {
            if (end.signal.aborted) break;
            if (first || !(error instanceof CliError)) throw error;
            terminal.err.write(`${error.message}; trying again\n`);
          }
          await wait(RETRY_MS, undefined, { signal: end.signal }).catch(() => {});
        }
      });
      setExitCode(EXIT_CODES.ok);
    });
}

async function* transitions(
  operator: AdminClient,
  namespace: string | undefined,
  reader: TransitionReader,
  end: AbortSignal,
): AsyncGenerator<Seen> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const signal = AbortSignal.any([end, silence.signal]);
    for await (const { event, data } of operator.events('/v1/watch', { namespace }, signal)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
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

/** The same moment, reported twice, may be rounded differently. */
const SAME_MS = 50;

/**
 * Tells the transitions that were not told before from the rows of a stream, also over a stream that was opened again.
 */
export class TransitionReader {
  /** What the newest row held, by row: reports come in any order, so that a time alone does not say what is new. */
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
