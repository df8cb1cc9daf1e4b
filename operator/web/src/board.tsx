import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Link } from './link.tsx';
import { address, go, store } from './model.ts';
import { GAP, TILE_HEIGHT, TILE_WIDTH, Tile } from './tile.tsx';

/** Rows of tiles that are ready above and below what is seen. */
const SPARE = 1;

/** A tile does not become wider than this, in pixels. */
const WIDEST = 420;

/** One tile for each policy and breaker, the worst first. Only the tiles that are in sight exist. */
export function Board() {
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [top, setTop] = useState(0);
  const [focused, setFocused] = useState<string | undefined>(undefined);
  const [moved, setMoved] = useState(0);
  const ids = store.shown.value;

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const columns = Math.max(1, Math.floor((size.width - GAP) / (TILE_WIDTH + GAP)));
  const width = Math.min(WIDEST, (size.width - GAP * (columns + 1)) / columns);
  const pitch = TILE_HEIGHT + GAP;
  const lines = Math.ceil(ids.length / columns);
  const first = Math.max(0, Math.floor(top / pitch) - SPARE);
  const last = Math.min(lines, Math.ceil((top + size.height) / pitch) + SPARE);
  const visible = size.width === 0 ? [] : ids.slice(first * columns, last * columns);
  const tabbable = focused !== undefined && ids.includes(focused) ? focused : ids[first * columns];

  useEffect(() => {
    if (moved === 0 || focused === undefined) return;
    frame.current?.querySelector<HTMLElement>(`[data-opens="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }, [moved, focused]);

  const onKey = (event: KeyboardEvent) => {
    const at = Math.max(0, ids.indexOf(tabbable ?? ''));
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      Home: -at,
      End: ids.length - 1 - at,
    };
    const step = steps[event.key];
    if (step === undefined || ids.length === 0) return;
    event.preventDefault();
    const next = at + step;
    if (next < 0 || next >= ids.length) return;
    const element = frame.current!;
    const y = Math.floor(next / columns) * pitch;
    if (y < element.scrollTop) element.scrollTop = y;
    if (y + pitch + GAP > element.scrollTop + size.height) element.scrollTop = y + pitch + GAP - size.height;
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
          style={{ height: `${lines * pitch + GAP}px` }}
          onKeyDown={onKey}
        >
          {visible.map((id, i) => {
            const index = first * columns + i;
            return (
              <Tile
                key={id}
                id={id}
                index={index}
                total={ids.length}
                tabbable={id === tabbable}
                x={GAP + (index % columns) * (width + GAP)}
                y={GAP + Math.floor(index / columns) * pitch}
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
