import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { groupsOf } from './board-groups.ts';
import { layOut, neighbour, type Place } from './board-layout.ts';
import { BreakerLine, LINE_HEIGHT } from './breaker-line.tsx';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import { Nothing } from './nothing.tsx';
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
  heading: 36,
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
  const { group, wall, search, state } = address.value;
  const matching = store.shown.value.filter((id) => store.cells.has(id));
  const isFine = (id: string) => isWell(store.cells.get(id)?.row.peek());
  // A wall has no room for what is well, and nobody scrolls there.
  const listed = wall ? matching.filter((id) => !isFine(id)) : matching;
  const groups = groupsOf(listed, group, (id) => store.cells.get(id)!.row.peek());
  const ids = groups.flatMap((one) => one.ids);
  const few = ids.length <= ALL_TILES;
  const sizes = groups.map(({ name, ids: own }) => {
    const firstWell = few ? -1 : own.findIndex(isFine);
    const tiles = firstWell === -1 ? own.length : firstWell;
    return { name, tiles, lines: own.length - tiles };
  });
  const shape = sizes.map(({ name, tiles, lines }) => `${name} ${tiles} ${lines}`).join('\n');

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const { places, headings, height } = useMemo(() => layOut(sizes, size.width, SIZES), [shape, size.width]);
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
        <Nothing
          class=""
          title={
            wall && matching.length > 0 ? `All ${matching.length} breakers are well` : 'No breaker has reported yet'
          }
          filtered={(search !== '' || state !== undefined) && !wall}
          hidden={`${store.ranked.value.length} breakers are there.`}
        >
          {!wall && (
            <>
              A tile appears as soon as a service calls <code>getBreaker('name')</code> and reports. Agents that are
              there are listed under <Link to={{ view: 'agents' }}>Agents</Link>, policies under{' '}
              <Link to={{ view: 'policies' }}>Policies</Link>.
            </>
          )}
        </Nothing>
      ) : (
        <ul
          class="tiles"
          aria-label={`${ids.length} breakers, the worst first`}
          style={{ height: `${height}px` }}
          onKeyDown={onKey}
        >
          {headings.map(({ name, y }) => (
            <li key={`group ${name}`} class="group-heading" style={{ transform: `translateY(${y}px)` }}>
              <h2>{name}</h2>
            </li>
          ))}
          {visible.map(({ id, index }) => {
            const { x, y, width, height: own } = places[index]!;
            const Item = own === TILE_HEIGHT ? Tile : BreakerLine;
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
