import type { ComponentChildren } from 'preact';
import { clockTime } from '../outage-list.tsx';
import type { Compared } from './sentences.ts';

/** The height of the plot of calls, and of a band, in units of the drawing. */
const PLOT = 60;
const BAND = 10;

/** The part of its height that a verdict fills of a band. */
const LEVELS = { no: 0, may: 0.5, must: 1 } as const;

/** Calls and failures by time, and below them when circuits were open and when they would have been. */
export function Bands({ compared: { happened, asItIs, withEdits, limits } }: { compared: Compared }) {
  const { begin, stepMs, steps } = happened;
  const most = steps.reduce((highest, { calls, rejected }) => Math.max(highest, calls + rejected), 1);
  const levels = limits?.verdicts.map((one) => LEVELS[one]);
  const bands: [string, string, readonly number[]][] = [
    ['happened', 'open', steps.map(({ open }) => Number(open > 0))],
    ['in force', 'open', asItIs.openShares],
    ['edited', 'open', withEdits.openShares],
    ...(levels ? ([['may open', 'may', levels]] as [string, string, number[]][]) : []),
  ];
  const end = begin + steps.length * stepMs;
  return (
    <figure class="bands">
      <Drawing width={steps.length} height={PLOT} name="calls/s" label="Calls, refused calls and failures by time">
        <path
          class="refused"
          d={area(
            steps.map(({ calls, rejected }) => ((calls + rejected) / most) * PLOT),
            PLOT,
          )}
        />
        <path
          class="calls"
          d={area(
            steps.map(({ calls }) => (calls / most) * PLOT),
            PLOT,
          )}
        />
        <path
          class="failed"
          d={area(
            steps.map(({ failed }) => (failed / most) * PLOT),
            PLOT,
          )}
        />
      </Drawing>
      {bands.map(([name, kind, shares]) => (
        <Drawing key={name} width={steps.length} height={BAND} name={name} label={`${name}: ${spans(shares)}`}>
          <path
            class={kind}
            d={area(
              shares.map((share) => share * BAND),
              BAND,
            )}
          />
        </Drawing>
      ))}
      <figcaption class="more">
        {clockTime(begin)} to {clockTime(end)}. In the last band, a full bar is a step in which the edited numbers
        surely open a circuit, half a bar one in which they may.
      </figcaption>
    </figure>
  );
}

interface DrawingProps {
  readonly width: number;
  readonly height: number;
  readonly name: string;
  readonly label: string;
  readonly children: ComponentChildren;
}

const Drawing = ({ width, height, name, label, children }: DrawingProps) => (
  <div class="band">
    <span class="band-name" aria-hidden="true">
      {name}
    </span>
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${Math.max(1, width)} ${height}`}
      height={height}
      preserveAspectRatio="none"
    >
      {children}
    </svg>
  </div>
);

/** An area of one unit of width for each height. */
function area(heights: readonly number[], base: number): string {
  const lines = heights.map((height, i) => `V${(base - height).toFixed(2)}H${i + 1}`);
  return `M0 ${base}${lines.join('')}V${base}Z`;
}

/** How many spans of time a band has, in words. */
function spans(shares: readonly number[]): string {
  const begins = shares.filter((share, i) => share > 0 && !((shares[i - 1] ?? 0) > 0)).length;
  return begins === 0 ? 'never' : begins === 1 ? 'one span of time' : `${begins} spans of time`;
}
