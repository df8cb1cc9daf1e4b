import { RANKS, type Rank } from './reading.ts';
import { RANGES, type Range, readZoom, writeZoom, type Zoom } from './zoom.ts';

export const VIEWS = ['board', 'outages', 'policies', 'agents', 'overrides'] as const;
type View = (typeof VIEWS)[number];

export const GROUPINGS = ['namespace', 'dependency'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** The state of the page in its URL, so that a link shows the same view to another user. */
export interface Address {
  readonly view: View;
  readonly search: string;
  /** Only breakers in this state; absent: all states. */
  readonly state?: Rank;
  /** How the board is grouped; absent: not at all. */
  readonly group?: Grouping;
  /** Whether the board fills a screen on a wall. */
  readonly wall?: true;
  /** Only this namespace. It is sent to the operator, because some users may read only one namespace. */
  readonly namespace?: string;
  /** The open panel: a breaker row by its id, a policy as `namespace/name`, an agent as `namespace/boot`. */
  readonly breaker?: string;
  readonly policy?: string;
  readonly agent?: string;
  /** The outage as `namespace/id`. */
  readonly outage?: string;
  /** The time range of the plots of a breaker; absent: five minutes. */
  readonly range?: Range;
  /** The shown part of the range; absent: all of it. */
  readonly zoom?: Zoom;
}

const TEXTS = ['namespace', 'breaker', 'policy', 'agent', 'outage'] as const;

/** Reads the query string of a URL. Unknown values are ignored. */
export function readAddress(query: string): Address {
  const given = new URLSearchParams(query);
  const one = <T extends string>(name: string, of: readonly T[]) => of.find((value) => value === given.get(name));
  const [state, group, range] = [one('state', RANKS), one('group', GROUPINGS), one('range', RANGES)];
  const zoom = readZoom(given.get('zoom'));
  const texts = TEXTS.flatMap((name) => (given.get(name) ? [[name, given.get(name)]] : []));
  return {
    view: one('view', VIEWS) ?? 'board',
    search: given.get('q') ?? '',
    ...(state && { state }),
    ...(group && { group }),
    ...(given.get('wall') === '1' && { wall: true }),
    ...(range && { range }),
    ...(zoom && { zoom }),
    ...Object.fromEntries(texts),
  };
}

/** The query string of an address; empty for the plain board. */
export function writeAddress({ view, search, state, group, wall, range, zoom, ...rest }: Address): string {
  const query = new URLSearchParams();
  if (view !== 'board') query.set('view', view);
  if (search !== '') query.set('q', search);
  if (state !== undefined) query.set('state', state);
  if (group !== undefined) query.set('group', group);
  if (wall) query.set('wall', '1');
  for (const name of TEXTS) if (rest[name]) query.set(name, rest[name]);
  if (range !== undefined) query.set('range', range);
  if (zoom !== undefined) query.set('zoom', writeZoom(zoom));
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
