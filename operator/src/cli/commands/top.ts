import { clearScreenDown, cursorTo } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { UsageError } from '../../config/usage-error.ts';
import { count } from '../../core/count.ts';
import { incomplete } from '../client/replicas.ts';
import type { Reach } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { breakerColumns, listHeldBreakers } from '../output/breaker-table.ts';
import { age, coloured, table } from '../output/output.ts';
import { stopSignal } from '../signals.ts';
import { onTarget, type ScopeFlags, scopeOf, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard top -A                                      every breaker, worst first, updated each second
  fuseboard top -n shop --once                          the same, printed once, for a log`;

interface Flags extends ScopeFlags {
  readonly interval: string;
  readonly once?: boolean;
}

/** Number of rows for a screen of unknown height. */
const ROWS = 24;

export function topCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withScope(new Command('top'))
    .description('Show breakers live, worst first, until Ctrl-C.')
    .addOption(new Option('--interval <seconds>', 'seconds between two updates').default('1'))
    .addOption(new Option('--once', 'print once and exit; the default without a terminal'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      const seconds = Number(flags.interval);
      if (!(seconds >= 0.2 && seconds <= 3_600)) {
        throw new UsageError(`--interval: ${flags.interval} is not a number of seconds from 0.2 to 3600`);
      }
      const live = terminal.out.isTTY === true && !flags.once;
      const end = new AbortController();
      void stopSignal().then(() => end.abort());
      await onTarget(reach, flags, async (target) => {
        const scope = scopeOf(flags, target);
        let screen = '';
        let heardAt = performance.now();
        while (!end.signal.aborted) {
          try {
            const { at, items, unanswered } = await listHeldBreakers(target, scope);
            heardAt = performance.now();
            const bad = items.filter(({ state, shadow }) => state === 'open' && !shadow).length;
            const shown = live
              ? items.slice(0, Math.max(1, (terminal.out.rows ?? ROWS) - 4 - unanswered.length))
              : items;
            const more = items.length - shown.length;
            const missing = unanswered.map((one) => `${coloured(incomplete(one), 'red', terminal)}\n`).join('');
            screen = `${target.name}: ${count(items.length, 'breaker')}, ${bad} open${more > 0 ? `, ${more} more not shown` : ''}\n${missing}${table(shown, breakerColumns(scope, at), terminal)}`;
            draw(screen, terminal, live);
          } catch (error) {
            if (!live || !(error instanceof CliError)) throw error;
            const silent = `${error.message}; what is below is ${age(performance.now() - heardAt)} old`;
            draw(`${coloured(silent, 'red', terminal)}\n${coloured(screen, 'dim', terminal)}`, terminal, live);
          }
          if (!live) break;
          await wait(seconds * 1_000, undefined, { signal: end.signal }).catch(() => {});
        }
      });
      setExitCode(EXIT_CODES.ok);
    });
}

function draw(text: string, { out }: Terminal, live: boolean): void {
  if (live) {
    cursorTo(out, 0, 0);
    clearScreenDown(out);
  }
  out.write(text);
}
