import { RANKS, type Rank } from './reading.ts';

export const VIEWS = ['board', 'outages', 'policies', 'agents', 'overrides'] as const;
type View = (typeof VIEWS)[number];

/** What the page shows, as its address says it: a link shows the same to somebody else. */
export interface Address {
  readonly view: View;
  readonly search: string;
  /** Only breakers in this state; absent: all. */
  readonly state?: Rank;
  /** Only this namespace, asked of the operator: who may see one namespace alone needs it. */
  readonly namespace?: string;
  /** What is opened beside the board: a row by its id, a policy as `namespace/name`, an agent as `namespace/boot`. */
  readonly breaker?: string;
  readonly policy?: string;
  readonly agent?: string;
  /** As `namespace/id`. */
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

/** The query of an address; empty when it is the plain board. */
export function writeAddress({ view, search, state, ...rest }: Address): string {
  const query = new URLSearchParams();
  if (view !== 'board') query.set('view', view);
  if (search !== '') query.set('q', search);
  if (state !== undefined) query.set('state', state);
  for (const name of TEXTS) if (rest[name]) query.set(name, rest[name]);
  const text = query.toString();
  return text === '' ? './' : `?${text}`;
}

/** Whether all words of a search are somewhere in the texts. */
export function found(search: string, ...texts: readonly (string | undefined)[]): boolean {
  const text = texts.join(' ').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
