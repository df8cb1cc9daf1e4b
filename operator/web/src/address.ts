import { RANKS, type Rank } from './reading.ts';

export const VIEWS = ['board', 'outages', 'policies', 'agents', 'overrides'] as const;
type View = (typeof VIEWS)[number];

/** The state of the page in its URL, so that a link shows the same view to another user. */
export interface Address {
  readonly view: View;
  readonly search: string;
  /** Only breakers in this state; absent: all states. */
  readonly state?: Rank;
  /** Only this namespace. It is sent to the operator, because some users may read only one namespace. */
  readonly namespace?: string;
  /** The open panel: a breaker row by its id, a policy as `namespace/name`, an agent as `namespace/boot`. */
  readonly breaker?: string;
  readonly policy?: string;
  readonly agent?: string;
  /** The outage as `namespace/id`. */
  readonly outage?: string;
}

const TEXTS = ['namespace', 'breaker', 'policy', 'agent', 'outage'] as const;

export function readAddress(query: string): Address {
  const found = new URLSearchParams(query);
  const view = VIEWS.find((one) => one === found.get('view')) ?? 'board';
  const state = RANKS.find((one) => one === found.get('state'));
  const texts = TEXTS.flatMap((name) => (found.get(name) ? [[name, found.get(name)]] : []));
  return { view, search: found.get('q') ?? '', ...(state && { state }), ...Object.fromEntries(texts) };
}

/** The query string of an address; empty for the plain board. */
export function writeAddress({ view, search, state, ...rest }: Address): string {
  const query = new URLSearchParams();
  if (view !== 'board') query.set('view', view);
  if (search !== '') query.set('q', search);
  if (state !== undefined) query.set('state', state);
  for (const name of TEXTS) if (rest[name]) query.set(name, rest[name]);
  const text = query.toString();
  return text === '' ? './' : `?${text}`;
}

/** Whether every word of a search occurs in the texts. */
export function found(search: string, ...texts: readonly (string | undefined)[]): boolean {
  const text = texts.join(' ').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
