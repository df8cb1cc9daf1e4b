/**
 * What one member sees with its own eyes; a circuit that it opened because others did is no opinion of its own.
 *
 * @internal
 */
export interface MemberView {
  readonly open: readonly string[];
  readonly closed: readonly string[];
}

/** When what members see becomes what everyone does. */
export interface Quorum {
  /** So many members, at least, must see a circuit open. */
  readonly minimumMembers: number;
  /** And they must be this share of those that use the breaker, in percent. */
  readonly sharePercent: number;
}

const MAX_NAMES = 2_000;
const MAX_ENTRY_CHARS = 300_000;

/**
 * The breakers that a quorum of members sees open. Each member counts once for each breaker.
 *
 * @internal
 */
export function openByQuorum(members: Iterable<MemberView>, { minimumMembers, sharePercent }: Quorum): Set<string> {
  const votes = new Map<string, { open: number; all: number }>();
  const count = (names: readonly string[], open: 0 | 1) => {
    for (const name of new Set(names)) {
      const vote = votes.get(name) ?? { open: 0, all: 0 };
      vote.open += open;
      vote.all++;
      votes.set(name, vote);
    }
  };
  for (const { open, closed } of members) {
    count(open, 1);
    const seen = new Set(open);
    count(
      closed.filter((name) => !seen.has(name)),
      0,
    );
  }
  const agreed = [...votes].filter(([, { open, all }]) => open >= minimumMembers && open * 100 >= sharePercent * all);
  return new Set(agreed.map(([name]) => name));
}

/**
 * The entry of a member; of very many breakers, the first 2,000, open ones first.
 *
 * @internal
 */
export function writeEntry({ open, closed }: MemberView): string {
  const openNames = open.slice(0, MAX_NAMES);
  return JSON.stringify({ version: 1, open: openNames, closed: closed.slice(0, MAX_NAMES - openNames.length) });
}

/**
 * Reads an entry; whatever cannot be one counts for nothing.
 *
 * @internal
 */
export function readEntry(text: string): MemberView | undefined {
  if (text.length > MAX_ENTRY_CHARS) return undefined;
  try {
    const { version, open, closed } = JSON.parse(text) as Record<string, unknown>;
    return version === 1 && isNames(open) && isNames(closed) ? { open, closed } : undefined;
  } catch {
    return undefined;
  }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_NAMES && value.every((name) => typeof name === 'string');
}
