import { windowFor } from '../../agent/src/core/windows/window.ts';
import { compileSpec } from './core.ts';
import { type Curve, plot } from './plot.ts';
import { drawing } from './svg.ts';

const END_S = 50;
const OUTAGE = [10, 14] as const;
/** Calls a second until the traffic falls, and after. */
const BUSY = 10;
const QUIET = 2;
const QUIET_FROM_S = 20;

/** The share of failures that each type of window sees in the same calls: an outage, and less traffic after it. */
export function windows(): string {
  const curves: Curve[] = [
    { label: 'Time, 10s', look: 'a', labelAt: [23.4, 4], points: seen({ type: 'Time', duration: '10s' }) },
    { label: 'Count, 100', look: 'b', labelAt: [29, 31], points: seen({ type: 'Count', size: 100 }) },
    { label: 'Ewma, 5s', look: 'c', labelAt: [14.6, 51], points: seen({ type: 'Ewma', halfLife: '5s' }) },
  ];
  const title = `Failures in the window: ${BUSY} calls a second, ${QUIET} a second from ${QUIET_FROM_S} s on`;
  const shaded = [...OUTAGE, 'all fail'] as const;
  const body = plot({ x: 64, y: 50, width: 800, height: 250, seconds: [0, END_S], every: 5, title, curves, shaded });
  return drawing(900, 340, 'The share of failures that windows of the three types see in the same calls.', body);
}

function seen(window: object): [number, number][] {
  const under = windowFor(compileSpec({ trip: { window, consecutiveFailures: 1 } }), undefined, 0);
  const points: [number, number][] = [];
  for (let ms = 0; ms <= END_S * 1000; ms += 1000 / BUSY) {
    const second = ms / 1000;
    const isCalled = second < QUIET_FROM_S || ms % (1000 / QUIET) === 0;
    if (isCalled) under.record(ms, second >= OUTAGE[0] && second < OUTAGE[1], false);
    under.advance(ms);
    if (ms % 500 === 0) points.push([second, under.calls === 0 ? 0 : (under.failures / under.calls) * 100]);
  }
  return points;
}
