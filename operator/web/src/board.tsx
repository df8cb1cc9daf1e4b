import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { layOut, neighbour, type Place } from './board-layout.ts';
import { BreakerLine, LINE_HEIGHT } from './breaker-line.tsx';
import { Link } from './link.tsx';
import { address, go, store } from './model.ts';
import { isWell } from './reading.ts';
import { GAP, TILE_HEIGHT, TILE_WIDTH, Tile } from './tile.tsx';

/** How far above and below the visible area items are rendered, in pixels. */
const SPARE = 240;

/** Maximum width of a tile, in pixels. */
const WIDEST = 640;

/** Up to this number of breakers, healthy ones are tiles too. */
const ALL_TILES = 6;

const SIZES = {
  gap: GAP,
  tile: { least: TILE_WIDTH, most: WIDEST, height: TILE_HEIGHT },
  line: { least: 480, height: LINE_HEIGHT },
};

/**
 * A tile for each unhealthy breaker, by decreasing impact, and a line for each of the others. Only visible items are
 * rendered.
 */
export function Board() {
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [top, setTop] = useState(0);
  const [focused, setFocused] = useState<string | undefined>(undefined);
  const [moved, setMoved] = useState(0);
  const ids = store.shown.value;
  const firstWell = ids.findIndex((id) => isWell(store.cells.get(id)?.row.peek()));
  const tiles = firstWell === -1 || ids.length <= ALL_TILES ? ids.length : firstWell;

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const lines = ids.length - tiles;
  const { places, height } = useMemo(() => layOut(tiles, lines, size.width, SIZES), [tiles, lines, size.width]);
  const inSight = ({ y, height: own }: Place) => y + own + SPARE > top && y - SPARE < top + size.height;
  const visible = size.width === 0 ? [] : ids.flatMap((id, index) => (inSight(places[index]!) ? [{ id, index }] : []));
  const tabbable = focused !== undefined && ids.includes(focused) ? focused : visible[0]?.id;

  useEffect(() => {
    if (moved === 0 || focused === undefined) return;
    frame.current?.querySelector<HTMLElement>(`[data-opens="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }, [moved, focused]);

  const onKey = (event: KeyboardEvent) => {
    const next = neighbour(places, Math.max(0, ids.indexOf(tabbable ?? '')), event.key);
    if (next === undefined) return;
    event.preventDefault();
    const element = frame.current!;
    const { y, height: own } = places[next]!;
    if (y - GAP < element.scrollTop) element.scrollTop = y - GAP;
    if (y + own + GAP > element.scrollTop + size.height) element.scrollTop = y + own + GAP - size.height;
    setTop(element.scrollTop);
    setFocused(ids[next]);
    setMoved(moved + 1);
  };

  return (
    <div class="board" ref={frame} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      {ids.length === 0 ? (
        <Nothing />
      ) : (
        <ul
          class="tiles"
          aria-label={`${ids.length} breakers, the worst first`}
          style={{ height: `${height}px` }}
          onKeyDown={onKey}
        >
          {visible.map(({ id, index }) => {
            const Item = index < tiles ? Tile : BreakerLine;
            const { x, y, width } = places[index]!;
            return (
              <Item
                key={id}
                id={id}
                index={index}
                total={ids.length}
                tabbable={id === tabbable}
                x={x}
                y={y}
                width={width}
                onFocus={() => setFocused(id)}
              />
            );
          })}
        </ul>
      )}
    </div>
  );
}

function Nothing() {
  const { search, state } = address.value;
  if (search === '' && state === undefined) {
    return (
      <div class="nothing">
        <h2>No breaker has reported yet</h2>
        <p>
          A tile appears as soon as a service calls <code>getBreaker('name')</code> and reports. Agents that are there
          are listed under <Link to={{ view: 'agents' }}>Agents</Link>, policies under{' '}
          <Link to={{ view: 'policies' }}>Policies</Link>.
        </p>
      </div>
    );
  }
  return (
    <div class="nothing">
      <h2>Nothing matches</h2>
      <p>
        {store.ranked.value.length} breakers are there, none of them {state && `${state} `}
        {search && `with “${search}”`}.
      </p>
      <button type="button" onClick={() => go({ search: '', state: undefined } as never)}>
        Show all
      </button>
    </div>
  );
}
