import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mainEdges, picturesOf, writePictures } from '../evaluation/pictures.ts';
import { readSeries } from '../evaluation/series.ts';
import { between } from '../src/calls/trace.ts';
import { writeSeries } from './series-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-pictures-'));
  writeSeries(folder, [
    { name: 'outage', traffic: { seconds: 1_200, rate: 2, failing: 0.005, outage: [900, 960] }, seed: 11 },
    { name: 'calm', traffic: { seconds: 600, rate: 3, failing: 0.02, medianMs: 3 }, seed: 13 },
  ]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const outage = () => readSeries(folder).find(({ series }) => series === 'outage')!;

it('writes two plots of each series', () => {
  const out = join(folder, 'a', 'pictures');
  expect(writePictures(readSeries(folder), out)).toEqual([
    expect.stringMatching(/^calm: shop > orders, suggested from the first \d+ s$/),
    'outage: shop > orders, suggested from the first 900 s',
  ]);
  expect(readdirSync(out).sort()).toEqual(
    ['calm', 'outage'].flatMap((name) => [`${name}-frontier.svg`, `${name}-timeline.svg`]),
  );
  for (const name of readdirSync(out)) {
    const svg = readFileSync(join(out, name), 'utf8');
    expect(svg).toContain('resilience4j');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  }
});

it('suggests from what came before the incident', () => {
  const edge = outage();
  const before = between(edge.trace, Number.NEGATIVE_INFINITY, 900_000);
  const other = { ...edge, trace: { ...edge.trace, outcome: edge.trace.outcome.map(() => 0) } };
  other.trace.outcome.set(before.outcome);
  expect(picturesOf(edge).learnedUntil).toBe(900_000);
  expect(picturesOf(other).suggested).toEqual(picturesOf(edge).suggested);
});

it('leaves out pauses of the record', () => {
  const edge = outage();
  const stretched = {
    ...edge,
    trace: { ...edge.trace, start: edge.trace.start.map((at) => (at > 500_000 ? at + 5_000_000 : at)) },
  };
  const paused = {
    ...stretched,
    gaps: [[500_000, 5_500_000] as const],
    incidents: edge.incidents.map((each) => ({ ...each, start: each.start + 5_000_000, end: each.end + 5_000_000 })),
  };
  const lasts = (svg: string) => /text-anchor="end">([\d,]+) s</.exec(svg)![1];
  expect(lasts(picturesOf(edge).timeline)).toBe(lasts(picturesOf(paused).timeline));
  expect(lasts(picturesOf({ ...paused, gaps: [] }).timeline)).toMatch(/^6,/);
});

it('draws the edge with the most incidents', () => {
  const edge = outage();
  const calm = { ...edge, to: 'other', incidents: [] };
  expect(mainEdges([calm, edge, calm]).map(({ to }) => to)).toEqual(['orders']);
});
