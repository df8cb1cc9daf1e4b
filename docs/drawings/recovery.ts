import type { Permit } from '../../agent/src/core/permit.ts';
import { simulate } from './core.ts';
import { type Curve, plot } from './plot.ts';
import { drawing } from './svg.ts';

const CALLS_PER_S = 100;
const CALL_MS = 200;
const OPEN_S = 4;
const END_S = 18;
/** Spreads the draws evenly, so that the curve is that of many processes. */
const GOLDEN = 0.618_033_988_75;

/** The share of the calls that pass while a circuit opens, tries and closes again, by each strategy. */
export function recovery(): string {
  const probes = { maxProbes: 2, successThreshold: 40 };
  const ramp = { strategy: 'Ramp', rampDuration: '10s' };
  const curves: Curve[] = [
    { label: 'Probes, 2 at a time', look: 'a', labelAt: [8.5, 90], points: share(probes) },
    { label: 'Ramp over 10s', look: 'b', labelAt: [11, 50], points: share(ramp) },
  ];
  const title = `Calls that pass, of ${CALLS_PER_S} a second that take ${CALL_MS} ms each`;
  const shaded = [0, OPEN_S, 'open'] as const;
  const body = plot({ x: 64, y: 50, width: 800, height: 250, seconds: [0, END_S], every: 2, title, curves, shaded });
  return drawing(900, 340, 'The share of the calls that pass after an outage, with Probes and with Ramp.', body);
}

function share(halfOpen: object): [number, number][] {
  const spec = { trip: { consecutiveFailures: 1 }, recovery: { openDuration: `${OPEN_S}s`, halfOpen } };
  const played = simulate(spec);
  const { circuit } = played;
  circuit.enter()?.fail();
  const under: { permit: Permit; ends: number }[] = [];
  const points: [number, number][] = [];
  let passed = 0;
  let asked = 0;
  for (let ms = 0; ms <= END_S * 1000; ms += 1000 / CALLS_PER_S) {
    played.now = ms;
    played.random = (asked * GOLDEN) % 1;
    while (under[0] && under[0].ends <= ms) under.shift()!.permit.succeed();
    const permit = circuit.enter();
    asked++;
    if (permit) {
      passed++;
      under.push({ permit, ends: ms + CALL_MS });
    }
    if (ms % 500 === 0 && ms > 0) {
      points.push([ms / 1000 - 0.25, (passed / asked) * 100]);
      passed = 0;
      asked = 0;
    }
  }
  return points;
}
