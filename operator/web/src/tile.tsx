import { useEffect, useMemo, useRef } from 'preact/hooks';
import { isForced } from '../../src/core/outages/forced.ts';
import { perSecond, span } from '../../src/core/outages/sentence.ts';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import { callsPerSecond, count, duration, latencies, percent, plural, words } from './format.ts';
import { Link } from './link.tsx';
import { connection, store, theme } from './model.ts';
import { ACTION_WORDS, actingOn } from './overrides.ts';
import { conditions, counted, isWell, measuredOf, plotOf, quantile, rankOf } from './reading.ts';
import { STALE_MS } from './store.ts';
import { ceiling, drawPlot } from './tile-plot.ts';

export const TILE_WIDTH = 290;
export const TILE_HEIGHT = 218;
export const GAP = 12;
const PLOT_HEIGHT = 64;

/** A breaker among all that are shown, and its place. */
export interface PlacedProps {
  readonly id: string;
  readonly index: number;
  readonly total: number;
  readonly tabbable: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly onFocus: () => void;
}

export const STATE_WORDS = {
  open: 'open',
  'half-open': 'half-open',
  'shadow-open': 'open in shadow',
  closed: 'closed',
  none: 'no agent',
} as const;

/** Why the circuit is not closed: its override, the cause of its outage, or its last opening. */
export function why(row: BreakerRow): string | undefined {
  const { state, outage } = row;
  const isClosed = outage?.phase === 'closed';
  if (!isClosed && (state === 'closed' || state === 'none')) return undefined;
  const wanted = isClosed ? 'ForceClosed' : 'ForceOpen';
  const held = actingOn(row.namespace, row.breaker).find(({ action }) => action === wanted);
  if (held !== undefined) {
    const by = held.createdBy === undefined ? '' : ` by ${held.createdBy}`;
    return `forced ${isClosed ? 'closed' : 'open'}${by}: ${held.reason ?? 'no reason given'}`;
  }
  if (isClosed) return `accepted again after ${span(outage.closed! - outage.began)}`;
  if (outage !== undefined && isForced(outage) && state === 'half-open') return 'an override that ended';
  const reason = row.outage?.reason ?? row.changes.findLast(({ to }) => to === 'open')?.reason;
  return reason === undefined ? undefined : words(reason);
}

/** Longest text of a failure on a tile. The tip of the tile has all of it. */
const FAILURE_LENGTH = 30;

/**
 * The last failure behind the reason of a circuit that is not closed; absent when it is forced open, or none is known.
 */
function failure({ namespace, breaker, state, lastError }: BreakerRow): string | undefined {
  if (state === 'closed' || state === 'none' || lastError === undefined) return undefined;
  if (actingOn(namespace, breaker).some(({ action }) => action === 'ForceOpen')) return undefined;
  return `${lastError.name}: ${lastError.message}`;
}

const cut = (text: string) => (text.length > FAILURE_LENGTH ? `${text.slice(0, FAILURE_LENGTH - 1)}…` : text);

/** Whether what is shown of a breaker may be out of date. */
export const isStale = ({ heard }: BreakerRow) =>
  store.now.value - heard > STALE_MS || connection.link.value.phase !== 'live';

/** Start of the current condition: an outage lasts over all probes and further openings. */
export const beginning = ({ outage, since }: BreakerRow) =>
  outage === undefined || outage.phase === 'closed' ? since : outage.began;

/** The affected agents, by name when they are few. */
export function whom({ agents, states, unwell, state, shadow }: BreakerRow): string {
  if (state === 'closed' || state === 'none') return plural(agents, 'agent');
  const hit = shadow ? states.shadowOpen : states.open + states.halfOpen;
  const named = unwell.slice(0, 2).join(', ');
  const more = hit > 2 ? ` and ${count(hit - 2)} more` : '';
  return `${count(hit)} of ${plural(agents, 'agent')}: ${named}${more}`;
}

export function Tile({ id, index, total, tabbable, x, y, width, onFocus }: PlacedProps) {
  const cell = store.cells.get(id);
  if (!cell) return null;
  const row = cell.row.value;
  const policy = store.policyOf(row);
  const rank = rankOf(row);
  const { thresholds } = policy ?? {};
  const slot = store.slot.value;
  const sums = counted(cell.ring, slot, store.slotMs, thresholds?.windowMs ?? 10_000);
  const measured = measuredOf(thresholds);
  const name = policy ? `${policy.namespace}/${policy.name}` : `${row.namespace}, defaults of the code`;
  const age = store.now.value - row.heard;
  const stale = isStale(row);
  const since = duration(store.known.value - beginning(row));
  const { outage } = row;
  const unwell = !isWell(row);
  const [reason, error] = [why(row), failure(row)];
  const held = actingOn(row.namespace, row.breaker).find(({ action }) => action !== 'Reset')?.action;
  const p50 = quantile(row.latency, 0.5);
  const p99 = quantile(row.latency, 0.99);
  return (
    <li
      class={`tile ${rank} ${stale ? 'stale' : ''}`}
      aria-setsize={total}
      aria-posinset={index + 1}
      style={{ transform: `translate(${x}px, ${y}px)`, width: `${width}px`, height: `${TILE_HEIGHT}px` }}
    >
      <div class="face">
        <Link
          to={{ breaker: id, policy: undefined, agent: undefined }}
          class="breaker"
          data-opens={id}
          tabIndex={tabbable ? 0 : -1}
          onFocus={onFocus}
          title={row.breaker}
        >
          {row.breaker}
        </Link>
        <span class="line">
          <span class={`badge ${rank}`}>{STATE_WORDS[rank]}</span>
          <span class="since">{since}</span>
        </span>
        <span class="policy" title={name}>
          {name}
          {policy && policy.mode !== 'Enforce' && <em class="mode">{policy.mode}</em>}
          {held && <em class="mode">{ACTION_WORDS[held]} (override)</em>}
        </span>
        <span class="reason" title={error === undefined ? whom(row) : `${error}\n${whom(row)}`}>
          {reason && <b>{reason}</b>} {reason && error !== undefined && `(${cut(error)}) `}
          {whom(row)}
        </span>
        <TilePlot id={id} width={width - 26} />
        <span class="threshold">
          {thresholds ? `opens at ${conditions(thresholds).join(', or ')}` : policy ? 'never opens by itself' : '–'}
        </span>
        <span class="numbers">
          <Figure name="calls" value={count(sums.calls)} />
          <Figure
            name={measured}
            value={`${count(sums[measured])} · ${percent(sums[measured], sums.calls)}`}
            bad={unwell && sums[measured] > 0}
          />
          <Figure name="p50 / p99" value={latencies(p50, p99)} />
          <Figure
            name="refused"
            value={outage ? perSecond(outage.refusedPerSecond) : count(sums.rejected)}
            bad={sums.rejected > 0}
          />
        </span>
        <span class="age">{age < 1_000 ? 'data now' : `data ${duration(age)} old`}</span>
      </div>
    </li>
  );
}

const Figure = ({ name, value, bad = false }: { name: string; value: string; bad?: boolean }) => (
  <span class={`number ${bad ? 'bad' : ''}`}>
    <span class="name">{name}</span>
    <span class="value">{value}</span>
  </span>
);

function TilePlot({ id, width }: { id: string; width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cell = store.cells.get(id)!;
  const row = cell.row.value;
  const slot = store.slot.value;
  const thresholds = store.policyOf(row)?.thresholds;
  const colours = theme.value;
  const plot = useMemo(
    () => plotOf(cell.ring, slot, store.slotMs, thresholds, row.agents),
    [cell, row, slot, thresholds],
  );
  useEffect(() => {
    if (!canvas.current || width <= 0) return;
    drawPlot(canvas.current, width, PLOT_HEIGHT, plot);
  }, [plot, width, colours]);
  const windowMs = thresholds?.windowMs ?? 10_000;
  return (
    <span class="plot">
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${PLOT_HEIGHT}px` }} />
      <span class="scale">{callsPerSecond(ceiling(plot) / 1.1, windowMs)}</span>
    </span>
  );
}
