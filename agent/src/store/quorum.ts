/**
 * The circuits that one member observed itself. A circuit that it opened because of other members is left out.
 *
 * @internal
 */
export interface MemberCircuits {
  readonly open: readonly string[];
  readonly closed: readonly string[];
}

/** When the view of members applies to all. */
export interface Quorum {
  /** Minimum number of members that see the circuit open. */
  readonly minimumMembers: number;
  /** Minimum percentage of the members that use the breaker. */
  readonly sharePercent: number;
}

const MAX_NAMES = 2_000;
const MAX_ENTRY_CHARS = 300_000;

/**
 * The breakers that a quorum of members sees open. Each member counts once for each breaker.
 *
 * @internal
 */
export function openByQuorum(members: Iterable<MemberCircuits>, { minimumMembers, sharePercent }: Quorum): Set<string> {
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
 * Encodes the entry of a member, with at most 2,000 breakers, open ones first.
 *
 * @internal
 */
export function writeEntry({ open, closed }: MemberCircuits): string {
  const openNames = open.slice(0, MAX_NAMES);
  return JSON.stringify({ version: 1, open: openNames, closed: closed.slice(0, MAX_NAMES - openNames.length) });
}

/**
 * Parses an entry; undefined when it is invalid.
 *
 * @internal
 */
export function readEntry(text: string): MemberCircuits | undefined {
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
