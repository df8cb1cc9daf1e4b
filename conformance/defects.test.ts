import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { replayOurs } from './fuseboard.ts';
import type { Peer } from './peer.ts';
import { type LineProcess, processPeer, startPython } from './process-peers.ts';
import type { Outcome, Step } from './sequence.ts';

/** The defects of libraries in Python; those of Node's are shown by agent/test/defects. */
const ours = {
  trip: { consecutiveFailures: 1 },
  recovery: { openDuration: '1s', halfOpen: { probeTimeout: '1h' } },
} as const;

let python: LineProcess;
let circuitbreaker: Peer;
let pybreaker: Peer;

beforeAll(async () => {
  python = await startPython();
  circuitbreaker = processPeer('circuitbreaker', python);
  pybreaker = processPeer('pybreaker', python);
}, 300_000);
afterAll(() => python?.end());

const begin = (call: number): Step => ({ do: 'begin', call, draw: 0 });
const end = (call: number, outcome: Outcome): Step => ({ do: 'end', call, outcome });
const advance = (ms: number): Step => ({ do: 'advance', ms });

const inCircuitbreaker = (steps: Step[]) =>
  circuitbreaker.replay({ failureThreshold: 1, recoveryTimeoutMs: 1_000 }, steps);

describe('defect 1: a success of a call that began before the circuit opened', () => {
  const steps = [begin(1), begin(2), end(2, 'failure'), end(1, 'success')];

  it('closes the open circuit of circuitbreaker, not ours', async () => {
    expect((await inCircuitbreaker(steps)).at(-1)?.state).toBe('closed');
    expect(replayOurs(ours, steps).at(-1)?.state).toBe('open');
  });
});

describe('defect 5: an ignored error of a probe', () => {
  const steps = [begin(1), end(1, 'failure'), advance(1_000), begin(2), end(2, 'ignored')];

  it('closes pybreaker and circuitbreaker, not ours', async () => {
    const theirs = await pybreaker.replay({ failMax: 1, resetTimeoutMs: 1_000, successThreshold: 1 }, steps);
    expect(theirs.at(-1)?.state).toBe('closed');
    expect((await inCircuitbreaker(steps)).at(-1)?.state).toBe('closed');
    expect(replayOurs(ours, steps).at(-1)?.state).toBe('half-open');
  });
});

describe('defect 8: many callers while half-open', () => {
  const crowd = Array.from({ length: 1_000 }, (_, i) => begin(i + 2));
  const steps = [begin(1), end(1, 'failure'), advance(1_000), ...crowd];
  const admitted = (seen: { admission?: string }[]) =>
    seen.slice(3).filter(({ admission }) => admission === 'admitted').length;

  it('all pass in circuitbreaker, one in ours', async () => {
    expect(admitted(await inCircuitbreaker(steps))).toBe(1_000);
    expect(admitted(replayOurs(ours, steps))).toBe(1);
  });
});

/**
 * The distributed breaker of gobreaker holds a lock in Redis across the fleet: sony/gobreaker,
 * v2/distributed_gobreaker.go.
 */
describe('defect 12: a call under way', () => {
  it('keeps other threads out of pybreaker until it has ended', async () => {
    expect(await python.ask({ ask: 'lock' })).toEqual({ blocked: true, order: ['slow', 'quick'] });
  });

  it('keeps nobody out of ours', () => {
    const steps = [begin(1), begin(2), end(2, 'success'), end(1, 'success')];
    expect(replayOurs(ours, steps).map(({ admission }) => admission)).toEqual([
      'admitted',
      'admitted',
      undefined,
      undefined,
    ]);
  });
});
