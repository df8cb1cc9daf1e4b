import { CliError, EXIT_CODES } from '../exit-codes.ts';
import type { Terminal } from '../terminal.ts';
import type { AdminClient } from './admin.ts';
import type { Target } from './target.ts';

/** A replica whose agents are not in an answer. */
export interface Unanswered {
  readonly replica: string;
  readonly reason: string;
}

/** The fields about replicas in each answer about agents; absent in answers of an earlier version of the operator. */
interface Answer {
  readonly replica?: string;
  /** Other replicas known to this one. */
  readonly others?: readonly string[];
}

/** The answers of all replicas to one request. */
export interface Answers<T> {
  /** At least one, in the order of the replicas. */
  readonly answers: readonly T[];
  readonly unanswered: readonly Unanswered[];
}

/**
 * Sends a request to every replica at the same time. A replica that only other replicas know counts as unanswered.
 *
 * @throws {CliError} when no replica answers: the error of the first.
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

/** Replicas named in answers but not asked. Each unreachable URL may belong to one of them, so as many are left out. */
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

/** Names on stderr the replicas whose agents are missing from the output. Prints nothing when all replicas answered. */
export function tellUnanswered(unanswered: readonly Unanswered[], { err }: Terminal): void {
  for (const one of unanswered) err.write(`${incomplete(one)}\n`);
}

export const incomplete = ({ replica, reason }: Unanswered) =>
  `replica "${replica}" did not answer, so its agents are not in these numbers: ${reason}`;
