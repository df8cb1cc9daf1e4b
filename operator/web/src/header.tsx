import type { RefObject } from 'preact';
import { VIEWS } from './address.ts';
import { timeOfDay } from './format.ts';
import { Link } from './link.tsx';
import { enterList } from './list-keys.ts';
import { address, connection, go, store } from './model.ts';
import { overrides } from './overrides.ts';

const NAMES = {
  board: 'Board',
  outages: 'Outages',
  policies: 'Policies',
  agents: 'Agents',
  overrides: 'Overrides',
} as const;

const ON_THE_WALL = {
  ...({ wall: true, view: 'board', breaker: undefined, policy: undefined, agent: undefined } as const),
  ...{ outage: undefined, zoom: undefined },
};

/** The header: the current view, the search, and whether the data is live. */
export function Header({ search, onHelp }: { search: RefObject<HTMLInputElement>; onHelp: () => void }) {
  const { view, search: text, namespace } = address.value;
  const { kind } = overrides.value;
  const offered = kind === 'known' || kind === 'refused';
  return (
    <header class="top">
      <h1>
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="mark" />
          <path d="M5 21h7l7-10M21 21h6" class="wire" />
          <circle cx="12" cy="21" r="2.6" class="pole" />
          <circle cx="21" cy="21" r="2.6" class="pole" />
        </svg>
        Fuseboard
      </h1>
      <nav aria-label="Views">
        {VIEWS.filter((one) => one !== 'overrides' || offered).map((one) => (
          <Link key={one} to={{ view: one }} class="view" aria-current={view === one ? 'page' : undefined}>
            {NAMES[one]}
          </Link>
        ))}
      </nav>
      <label class="search">
        <span class="aside">Search</span>
        <input
          ref={search}
          type="search"
          value={text}
          placeholder="Search breakers, policies, agents  ( / )"
          onInput={(event) => go({ search: event.currentTarget.value }, true)}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown' && enterList()) event.preventDefault();
            if (event.key !== 'Escape') return;
            if (text !== '') go({ search: '' }, true);
            else event.currentTarget.blur();
            event.preventDefault();
          }}
        />
      </label>
      {namespace !== undefined && (
        <Link to={{ namespace: undefined }} class="chip" title="Show all namespaces">
          namespace {namespace} ✕
        </Link>
      )}
      <Pulse />
      <Link to={ON_THE_WALL} class="view wide" title="Only what is refused, large enough for a screen on a wall">
        Wall
      </Link>
      <button type="button" class="help" onClick={onHelp} aria-label="Keys and help" title="Keys and help ( ? )">
        ?
      </button>
    </header>
  );
}

/** The header on a wall: the time, whether the data is live, and the way back. */
export function WallBar() {
  return (
    <header class="top">
      <h1>Fuseboard</h1>
      <Pulse />
      <span>{timeOfDay(store.now.value / 1_000, true)}</span>
      <Link to={{ wall: undefined }} class="choice">
        Leave the wall (Esc)
      </Link>
    </header>
  );
}

function Pulse() {
  const { phase } = connection.link.value;
  const text = { loading: 'connecting', live: 'live', lost: 'not connected', refused: 'refused' }[phase];
  return (
    <p class={`pulse ${phase}`} role="status">
      <span class="dot" aria-hidden="true" />
      {text}
      {phase === 'live' && store.overview.value && <span class="replica">replica {store.replica}</span>}
    </p>
  );
}
