import { expect, it } from '@jest/globals';
import { LimitLog } from './limit-log.ts';

it('counts each cut and writes one line a minute for each bound', () => {
  let now = 0;
  const lines: [object, string][] = [];
  const log = { warn: (facts: object, message: string) => void lines.push([facts, message]) };
  const limits = new LimitLog({ clock: { now: () => now }, log });
  for (let i = 0; i < 1_000; i += 1) limits.reached('agents', { pod: 'evil' });
  limits.reached('watches');
  expect(lines.map(([facts]) => facts)).toEqual([
    { reason: 'agents', times: 1, pod: 'evil' },
    { reason: 'watches', times: 1 },
  ]);
  now = 60_000;
  limits.reached('agents', { pod: 'evil' });
  expect(lines[2]).toEqual([
    { reason: 'agents', times: 1_000, pod: 'evil' },
    expect.stringMatching(/^limit reached: Known processes.*; see --max-agents and docs\/limits\.md$/),
  ]);
  expect(limits.cut.agents).toBe(1_001);
  expect(limits.cut.watches).toBe(1);
});
