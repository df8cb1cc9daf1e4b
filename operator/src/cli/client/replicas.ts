import { CliError, EXIT_CODES } from '../exit-codes.ts';
import type { Terminal } from '../terminal.ts';
import type { AdminClient } from './admin.ts';
import type { Target } from './target.ts';

/** A replica whose agents are not in an answer. */
export interface Unanswered {
  readonly replica: string;
  readonly reason: string;
}

/** What replicas say of themselves with each answer about agents. Absent: an operator of an earlier version. */
interface Answer {
  readonly replica?: string;
  /** Other replicas that it knows. */
  readonly others?: readonly string[];
}

/** What a question to all replicas brought. */
export interface Answers<T> {
  /** At least one, in the order of the replicas. */
  readonly answers: readonly T[];
  readonly unanswered: readonly Unanswered[];
}

/**
 * Asks every replica at the same time. Replicas that others know of and that were not asked count as unanswered.
 *
 * @throws {CliError} when none answers: the error of the first.
 */
export async function askReplicas<T extends Answer>(
  target: Target,
  ask: (admin: AdminClient) => Promise<T>,
): Promise<Answers<T>> {
  const replicas = await target.replicas();
  const unreachable = (reason: string) => new CliError(EXIT_CODES.unreachable, reason);
  const asked = await Promise.allSettled(
    replicas.map(async ({ admin }) => (typeof admin === 'string' ? Promise.reject(unreachable(admin)) : ask(admin))),
  );
  const answers: T[] = [];
  const unanswered: Unanswered[] = [];
  let first: unknown;
  asked.forEach((result, i) => {
    if (result.status === 'fulfilled') {
      answers.push(result.value);
      return;
    }
    if (!(result.reason instanceof CliError)) throw result.reason;
    first ??= result.reason;
    unanswered.push({ replica: replicas[i]!.name, reason: result.reason.message });
  });
  if (answers.length === 0) throw first ?? unreachable(`there is no operator at ${target.name}`);
  return { answers, unanswered: [...unanswered, ...notAsked(answers, unanswered, target.unlistedReason)] };
}

/** Replicas that those who answered know of. As many as could not be reached under a URL may be these themselves. */
function notAsked(answers: readonly Answer[], unanswered: readonly Unanswered[], reason: string): Unanswered[] {
  const heard = new Set([
    ...answers.flatMap(({ replica = [] }) => replica),
    ...unanswered.map(({ replica }) => replica),
  ]);
  const others = [...new Set(answers.flatMap(({ others = [] }) => others))].filter((name) => !heard.has(name));
  const anonymous = unanswered.filter(({ replica }) => URL.canParse(replica));
  if (others.length <= anonymous.length) return [];
  return others.sort().map((replica) => ({ replica, reason }));
}

/** Says on the error output whose agents are not in what is printed; nothing when all replicas answered. */
export function tellUnanswered(unanswered: readonly Unanswered[], { err }: Terminal): void {
  for (const one of unanswered) err.write(`${incomplete(one)}\n`);
}

export const incomplete = ({ replica, reason }: Unanswered) =>
  `replica "${replica}" did not answer, so its agents are not in these numbers: ${reason}`;
