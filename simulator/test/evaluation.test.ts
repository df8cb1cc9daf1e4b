import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { contestants, FIXED } from '../evaluation/contestants.ts';
import { goal } from '../evaluation/goal.ts';
import { type Edge, readSeries, SeriesError } from '../evaluation/series.ts';
import { walk } from '../evaluation/walk-forward.ts';
import { sidecarOf, writeSeries } from './series-folder.ts';

const QUIET = { seconds: 600, rate: 1 };
const LINE = { t: 0, d: 1, s: 200, e: null, from: 'shop', to: 'orders' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-series-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
const calm = () => put('calm.json', JSON.stringify(sidecarOf(QUIET)));
const line = (...changes: object[]) =>
  put('calm.ndjson', changes.map((each) => `${JSON.stringify({ ...LINE, ...each })}\n`).join(''));
const scoresOf = (edges: readonly Edge[], name: string) => {
  const contestant = contestants().find((each) => each.name === name)!;
  return edges.map((edge) => walk(edge, contestant));
};
const judged = (edges: readonly Edge[]) =>
  goal(scoresOf(edges, 'suggest'), scoresOf(edges, FIXED), scoresOf(edges, 'recipe'));

describe('a folder of series', () => {
  it('that were never seen is judged, incidents and false openings', () => {
    writeSeries(folder, [
      { name: 'outage', traffic: { seconds: 1_200, rate: 2, failing: 0.005, outage: [900, 960] }, seed: 11 },
      { name: 'slow', traffic: { seconds: 1_200, rate: 0.8, medianMs: 90, slow: [900, 1_020] }, seed: 12 },
      { name: 'calm', traffic: { seconds: 600, rate: 3, failing: 0.02, medianMs: 3 }, seed: 13 },
    ]);
    const parts = judged(readSeries(folder));
    expect(parts.map(({ isMet }) => isMet)).toEqual([true, true, true]);
    expect(parts[0]!.part).toContain('2 of 2');
  });

  it('may hold one series without an incident, of which nothing is found', () => {
    writeSeries(folder, [{ name: 'calm', traffic: QUIET, seed: 1 }]);
    expect(judged(readSeries(folder)).map(({ isMet }) => isMet)).toEqual([undefined, true, true]);
  });

  it('may hold thousands of edges, and few calls of each', () => {
    const calls = Array.from({ length: 9_000 }, (_, at) => JSON.stringify({ ...LINE, t: at, to: `s${at % 3_000}` }));
    put('many.ndjson.gz', gzipSync(calls.join('\n')));
    put('many.json', JSON.stringify(sidecarOf(QUIET)));
    expect(readSeries(folder, 1)).toHaveLength(3_000);
  });

  it('is named where it is none', () => {
    expect(() => readSeries(join(folder, 'gone'))).toThrow(/gone cannot be read: ENOENT/);
    expect(() => readSeries(folder)).toThrow(`${folder} holds no series`);
    line({});
    expect(() => readSeries(folder)).toThrow('calm.ndjson has no calm.json beside it, which names its incidents');
    calm();
    expect(() => readSeries(folder)).toThrow('holds no edge with 100 calls or with an incident');
    put('calm.ndjson', '');
    expect(() => readSeries(folder)).toThrow(SeriesError);
  });

  it.each([
    [[{}, { t: '12:00' }], /^calm.ndjson, line 2: t: .*expected number/],
    [[{ d: -1 }], /^calm.ndjson, line 1: d: /],
    [[{ s: '200' }], /^calm.ndjson, line 1: s: .*expected number/],
    [[{ s: undefined, status: 200 }], /^calm.ndjson, line 1: s: /],
    [[{ e: 5 }], /^calm.ndjson, line 1: e: /],
    [[{ from: undefined, caller: 'shop' }], /^calm.ndjson, line 1: from: /],
  ])('with wrong columns is refused by file, line and column: %j', (lines, message) => {
    calm();
    line(...lines);
    expect(() => readSeries(folder)).toThrow(message);
  });

  it('with a spoilt file is refused by its name', () => {
    calm();
    put('calm.ndjson', 't,d,s,e\n0,1,200,\n');
    expect(() => readSeries(folder)).toThrow(/^calm.ndjson, line 1 is not JSON: /);
    rmSync(join(folder, 'calm.ndjson'));
    put('calm.ndjson.gz', 'not packed');
    expect(() => readSeries(folder)).toThrow(/^calm.ndjson.gz cannot be read: /);
    line({});
    rmSync(join(folder, 'calm.ndjson.gz'));
    put('calm.json', '{"incidents":[]}');
    expect(() => readSeries(folder)).toThrow(/^calm.json: visibleIncidents: /);
    const late = { from: 'shop', to: 'orders', start: 9, end: 1, kinds: ['slow'] };
    put('calm.json', JSON.stringify({ visibleIncidents: [late] }));
    expect(() => readSeries(folder)).toThrow('calm.json: visibleIncidents.0: ends before it starts');
  });
});
