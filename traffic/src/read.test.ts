import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { at, readText } from '../test/read-text.ts';
import { SAMPLES } from '../test/samples.ts';
import { parseExclusion, parseSelector } from './options.ts';
import { readCalls } from './read.ts';

const line = (time: string, more = '', path = '/') =>
  `203.0.113.9 - - [01/May/2024:${time} +0000] "GET ${path} HTTP/1.1" 200 5 "-" "-" 0.000${more}\n`;
const many = (count: number, text = line('10:00:00')) => text.repeat(count);
const clock = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 19);

describe('files', () => {
  it('packed with gzip are known by their bytes, in several parts too', async () => {
    const plain = await readText(SAMPLES.nginx);
    const packed = await readText(
      Buffer.concat([gzipSync(SAMPLES.nginx.slice(0, 100)), gzipSync(SAMPLES.nginx.slice(100))]),
    );
    expect(packed.calls).toEqual(plain.calls);
  });

  it('packed with gzip and cut off yield what they hold', async () => {
    const packed = gzipSync(
      Array.from({ length: 5000 }, (_, n) => line(clock(36_000 + (n % 300)), ` "${n}"`)).join(''),
    );
    const { calls, summary } = await readText(packed.subarray(0, packed.length - 5000));
    expect(calls.length).toBeGreaterThan(500);
    expect(summary.badLines).toBeLessThan(2);
  });

  it('of several processes are merged by start, in whatever order they are given', async () => {
    const recording = (instance: string, times: readonly number[]) =>
      `{"fuseboard":"calls/1","instance":"${instance}"}\n${times.map((t) => `{"t":${1.7e12 + t},"d":1,"o":"success","b":"a"}\n`).join('')}`;
    const { calls, summary } = await readText([recording('late', [5, 700_000]), recording('early', [1, 3, 9])]);
    expect(calls.map(({ start, instance }) => [start - 1.7e12, instance])).toEqual([
      [1, 'early'],
      [3, 'early'],
      [5, 'late'],
      [9, 'early'],
      [700_000, 'late'],
    ]);
    expect([summary.from - 1.7e12, summary.to - 1.7e12, summary.files.length]).toEqual([1, 700_000, 2]);
  });

  it('come in batches of a bounded size', async () => {
    const { calls, batches } = await readText(many(5000));
    expect([calls.length, batches]).toEqual([5000, 5]);
  });

  it('tell how far they are', async () => {
    const told: (readonly [number, number])[] = [];
    const text = many(30_000);
    await readText(text, { onProgress: (...progress) => told.push(progress) });
    expect(told.length).toBeGreaterThan(1);
    expect(told.at(-1)).toEqual([text.length, text.length]);
  });
});

describe('order', () => {
  it('is restored for records that are up to 10 min late', async () => {
    const { calls } = await readText(line('10:10:00') + line('10:00:00') + line('10:05:00'));
    expect(calls.map(({ start }) => start)).toEqual([at('10:00:00'), at('10:05:00'), at('10:10:00')]);
  });

  it('is refused beyond that, unless it is allowed', async () => {
    const text = line('10:00:00') + line('10:30:00') + line('10:40:00') + line('10:10:00');
    await expect(readText(text)).rejects.toThrow(
      /record 4 is 30 min older than one before it, and records are put in order over 10 min only.*larger maximum lateness \(--max-late\)/,
    );
    const { calls } = await readText(text, { maxLateMs: 3_600_000 });
    expect(calls).toHaveLength(4);
  });

  it('that breaks because a clock jumped says where', async () => {
    const text = line('10:00:00') + line('23:00:00') + line('10:00:01') + line('10:00:02');
    const refused = readText(line('09:59:00') + text);
    await expect(refused).rejects.toThrow(/The times jump ahead by 13 h at record 3: a clock that was set/);
  });

  it('does not refuse a log because one call lasted for hours', async () => {
    const long = line('13:00:00').replace('0.000', '7200.000');
    const { calls, summary } = await readText(line('10:00:00') + line('12:00:00') + line('12:30:00') + long);
    expect(calls).toHaveLength(3);
    expect(summary.notes.join('\n')).toContain('1 calls took longer than 10 min and are left out');
  });

  it('by start is as good as by end, though one call lasted long', async () => {
    const series = (t: number, d: number) => `{"t":${t},"d":${d},"s":200,"e":null,"to":"a"}\n`;
    const { calls } = await readText(series(0, 3_600_000) + series(1000, 5) + series(2000, 5));
    expect(calls.map(({ start }) => start)).toEqual([0, 1000, 2000]);
  });
});

describe('records that cannot be read', () => {
  it('are counted, and the first three named by place and cause, without a word of them', async () => {
    const bad = 'GET /a?card=4111 from 203.0.113.9\n';
    const { summary } = await readText(many(100) + bad.repeat(4));
    expect([summary.lines, summary.badLines, summary.calls]).toEqual([104, 4, 100]);
    expect(summary.badSamples).toEqual(
      [101, 102, 103].map(
        (at) => `record ${at}: it does not have the form of the others; its marks are a /a?a=9 a 9.9.9.9`,
      ),
    );
  });

  it('stop the reading beyond 5 %, with the first of them', async () => {
    await expect(readText(many(100) + 'nonsense\n'.repeat(10))).rejects.toThrow(
      /10 of 110 records cannot be read, more than 5 %.*\n {2}record 101: it does not have the form/,
    );
  });

  it('do not wait for the end of a large file', async () => {
    const text = many(300) + 'nonsense\n'.repeat(100_000);
    await expect(readText(text)).rejects.toThrow(/ of 3\d\d records cannot be read/);
  });
});

describe('names', () => {
  it('are taken from the path where that is asked for, without queries and ids', async () => {
    const text = line('10:00:00', '', '/api/orders/1?x=2') + line('10:00:01', '', '/api/users/alice');
    const { summary } = await readText(text, { breakerFrom: parseSelector('path=/^\\/api\\/([^/]+)/') });
    expect([...summary.breakers]).toEqual([
      ['orders', 1],
      ['users', 1],
    ]);
    const whole = await readText(text, { breakerFrom: parseSelector('path') });
    expect([...whole.summary.breakers.keys()]).toEqual(['/api/orders/:id', '/api/users/:id']);
    expect(whole.summary.notes.join('\n')).toContain('The recording holds 2 breakers');
  });

  it('of one breaker select its calls; the others are counted', async () => {
    const { calls, summary } = await readText(SAMPLES.series + SAMPLES.series.replaceAll('catalogue', 'currency'), {
      breaker: 'currency',
    });
    expect(calls.map(({ breaker }) => breaker)).toEqual(['currency', 'currency']);
    expect(summary.breakers.get('catalogue')).toBe(2);
    expect(summary.calls).toBe(2);
  });

  it('that there are not are answered by those that there are', async () => {
    await expect(readText(SAMPLES.series, { breaker: 'payments' })).rejects.toThrow(
      'no call is of breaker "payments"; there are catalogue (2 calls)',
    );
  });

  it('are given where the log has none', async () => {
    const { calls, summary } = await readText(line('10:00:00'), { breaker: 'payments' });
    expect(calls[0]!.breaker).toBe('payments');
    expect(summary.notes.join('\n')).toContain('No instance is named: whether one process called or many is not known');
  });

  it('exclude health checks', async () => {
    const { calls, summary } = await readText(line('10:00:00', '', '/healthz') + line('10:00:01'), {
      exclude: [parseExclusion('path=/healthz')],
    });
    expect([calls.length, summary.excluded]).toEqual([1, 1]);
    await expect(readText(line('10:00:00'), { exclude: [parseExclusion('path=/')] })).rejects.toThrow(
      'all 1 calls are excluded',
    );
  });
});

describe('bad input', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fuseboard-traffic-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['an empty file', '', /is empty: it holds no calls/],
    ['blanks', '\n \n', /holds only blanks/],
    ['packed nothing', gzipSync(''), /holds only blanks/],
    [
      'prose',
      'Dear customer,\nyour order was sent.\n',
      /is of no format that is known; name the format, or for CSV and JSON lines the fields/,
    ],
    ['a ZIP archive', Buffer.from('PK\u0003\u0004rest'), /is a ZIP archive; unpack it first/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2]), /compressed with zstd/],
    ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]), /holds binary data/],
    ['UTF-16', Buffer.from('\ufeffabc', 'utf16le'), /text in UTF-16; convert it to UTF-8/],
    ['broken gzip', Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), /cannot be read: /],
    ['JSON that ends early', '{"log":{"version":"1.2","entries":[', /ends early or holds nothing/],
    ['JSON that is none', `{"log":{"entries":[}`, /not well-formed JSON/],
    ['a recording without calls', '{"fuseboard":"calls/1"}\n', /no calls were found/],
  ])('%s says what it is', async (_what, content, message) => {
    await expect(readText(content)).rejects.toThrow(message);
  });

  it('in the paths is said at once', () => {
    expect(() => readCalls([])).toThrow('no file is given');
    expect(() => readCalls([join(folder, 'none')])).toThrow(/none cannot be read: ENOENT/);
    expect(() => readCalls([folder])).toThrow(/is a folder; name its files/);
    writeFileSync(join(folder, 'a'), 'x');
    expect(() => readCalls([join(folder, 'a'), join(folder, 'a')])).toThrow(/is given twice/);
  });

  it('of another format than was named is shown', async () => {
    await expect(readText(SAMPLES.series, { format: 'nginx' })).rejects.toThrow(/2 of 2 records cannot be read/);
    await expect(readText(SAMPLES.series, { format: 'iis' as never })).rejects.toThrow(
      '"iis" is no format; use one of recording, nginx',
    );
  });

  it('with durations below zero is taken as of unknown length', async () => {
    const { calls, summary } = await readText('{"t":0,"d":-5,"s":200,"e":null,"to":"a"}\n');
    expect(calls[0]).toMatchObject({ start: 0, durationMs: Number.NaN });
    expect(summary.notes.join('\n')).toContain('1 durations are negative');
  });

  it('starts with a mark of UTF-8 all the same', async () => {
    expect(
      (await readText(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(SAMPLES.series)]))).calls,
    ).toHaveLength(2);
  });
});
