import { mergeOutages } from '../../core/outages/merged-outages.ts';
import { outageSentence } from '../../core/outages/sentence.ts';
import { linkFor } from '../../core/policy/links.ts';
import { printable } from '../../core/printable.ts';
import type { ListedOutage, OutageList } from '../../http/admin/answers/outages.ts';
import { askReplicas, type Unanswered } from '../client/replicas.ts';
import type { StoredPolicy, Target } from '../client/target.ts';

/** Outages over the agents of all replicas. */
export interface ListedOutages {
  /** When the replica answered, in milliseconds since 1970 by its clock. */
  readonly at: number;
  readonly items: readonly ListedOutage[];
  readonly unanswered: readonly Unanswered[];
}

/**
 * Lists the outages of the last 24 hours of a namespace, or of all namespaces, those that cost most first.
 *
 * @throws {CliError} when no replica answers.
 */
export async function listOutages(target: Target, namespace: string | undefined): Promise<ListedOutages> {
  const { answers, unanswered } = await askReplicas(target, (admin) =>
    admin.get<Pick<OutageList, 'at' | 'noun'> & Partial<OutageList>>('/v1/outages', { namespace }),
  );
  const at = Math.max(...answers.map((answer) => answer.at));
  const { noun } = answers[0]!;
  // A replica of a release without outages has no items.
  const merged = mergeOutages(answers.map(({ items }) => items ?? []));
  return { at, items: merged.map((one) => ({ ...one, sentence: outageSentence(one, at, noun) })), unanswered };
}

/** What opened the first circuit: `consecutive failures (ECONNREFUSED: connect ECONNREFUSED)`. */
export const causeOf = ({ reason, error }: Pick<ListedOutage, 'reason' | 'error'>) =>
  printable(
    `${reason?.replaceAll('-', ' ') ?? 'open before this operator'}${error === undefined ? '' : ` (${error})`}`,
  );

/** The links of a policy for one of its breakers, with the kind of each. */
export const linksFor = (
  { links = [], namespace }: Pick<StoredPolicy, 'links' | 'namespace'>,
  breaker: string,
): [kind: string, url: string][] =>
  links.flatMap(({ kind, url }) =>
    url === undefined ? [] : [[kind, printable(linkFor(url, { breaker, namespace }))] as [string, string]],
  );
