import { duration } from './format.ts';
import { Link } from './link.tsx';
import { address, go } from './model.ts';
import { clockTime } from './outage-list.tsx';
import { MARK_KINDS, type Mark } from './rate-chart.tsx';
import { moved, RANGE_MS, RANGES, type Zoom } from './zoom.ts';

/** The time ranges of a breaker's plots. */
export function RangeChoice() {
  const { range = '5m' } = address.value;
  return (
    <p class="buttons left ranges">
      {RANGES.map((one) => (
        <Link
          key={one}
          to={{ range: one === '5m' ? undefined : one, zoom: undefined }}
          class="choice"
          aria-current={one === range ? 'true' : undefined}
        >
          {duration(RANGE_MS[one]).replace('1 d', '24 h')}
        </Link>
      ))}
    </p>
  );
}

/** Changes the shown part of time without a pointer. `whole` is all that the plots have. */
export function ZoomTools({ whole }: { whole: Zoom }) {
  const { zoom } = address.value;
  const shown = zoom ?? whole;
  const move = (way: Parameters<typeof moved>[1]) => go({ zoom: moved(shown, way) }, true);
  return (
    <p class="buttons left ranges">
      <button type="button" onClick={() => move('closer')}>
        Closer
      </button>
      {zoom !== undefined && (
        <>
          <button type="button" onClick={() => move('earlier')}>
            Earlier
          </button>
          <button type="button" onClick={() => move('later')}>
            Later
          </button>
          <button type="button" onClick={() => go({ zoom: undefined } as never, true)}>
            Whole range
          </button>
          <span class="more" role="status">
            {clockTime(zoom.from)} to {clockTime(zoom.until)}
          </span>
        </>
      )}
    </p>
  );
}

/** Maximum number of marks in the list below a plot. */
const MAX_MARKS = 12;

/** The marks of a plot in words, the newest first. */
export function MarkList({ marks }: { marks: readonly Mark[] }) {
  if (marks.length === 0) return null;
  const newest = [...marks].sort((a, b) => b.at - a.at).slice(0, MAX_MARKS);
  return (
    <ul class="plain marks">
      {newest.map(({ at, kind, text }) => (
        <li key={`${at}${kind}${text}`}>
          <b class="mark-letter">{MARK_KINDS[kind]}</b> {clockTime(at)}: {text}
        </li>
      ))}
    </ul>
  );
}
