import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { type Address, readAddress, writeAddress } from './address.ts';
import { eventReader } from './event-stream.ts';
import { count, duration, latencies, latency, percent, plural, timeLabels, words } from './format.ts';
import { yaml } from './yaml.ts';
import { moved } from './zoom.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [200_000, '3 min 20 s'],
    [3_599_000, '59 min'],
    [7_500_000, '2 h 5 min'],
    [200_000_000, '2 d'],
  ])('say %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('have seconds where an axis of time shows less than ten minutes', () => {
    const times = [0, 30].map((second) => new Date(2026, 0, 31, 18, 5, second).getTime() / 1_000);
    expect(timeLabels(times, 600)).toEqual(['18:05', '18:05']);
    expect(timeLabels(times, 599)).toEqual(['18:05:00', '18:05:30']);
  });

  it('never round a failure away, nor a success', () => {
    expect([percent(1, 1_000), percent(999, 1_000), percent(0, 10), percent(10, 10), percent(0, 0)]).toEqual([
      ...['< 1 %', '> 99 %', '0 %', '100 %', '–'],
    ]);
  });

  it('tell no latency apart that the clock of an agent does not', () => {
    expect([0.125, 8, 16, 512, 2_048].map(latency)).toEqual(['< 8 ms', '< 8 ms', '16 ms', '512 ms', '2 s']);
    expect(latency(undefined)).toBe('–');
    expect(latencies(16, 256)).toBe('16 / 256 ms');
    expect(latencies(512, 4_096)).toBe('0.51 / 4.1 s');
    expect(latencies(8, 4_096)).toBe('< 8 ms / 4.1 s');
    expect(latencies(8, 8)).toBe('< 8 ms');
  });

  it('are short', () => {
    expect([count(9_999), count(12_345), plural(1, 'agent'), plural(2, 'agent')]).toEqual([
      ...['9,999', '12.3K', '1 agent', '2 agents'],
    ]);
    expect([words('PartiallyProgrammed'), words('failure-rate')]).toEqual(['partially programmed', 'failure rate']);
  });
});

describe('the address', () => {
  it('is read as it was written', () => {
    const address: Address = {
      ...{ view: 'agents', search: 'a b', state: 'half-open', breaker: 'shop/u/payments' },
      ...{ range: '24h', zoom: { from: 1_000_000, until: 1_600_000 }, group: 'namespace', wall: true },
    };
    expect(readAddress(writeAddress(address))).toEqual(address);
    expect(writeAddress(readAddress(''))).toBe('./');
  });

  it('ignores what it does not know', () => {
    expect(readAddress('?view=nonsense&state=broken&q=x&range=2d&zoom=5-4&group=colour&wall=2')).toEqual({
      view: 'board',
      search: 'x',
    });
  });
});

describe('the event reader', () => {
  it('puts events together however they are cut', () => {
    const text = 'event: state\nid: 1\ndata: {"a":1}\n\nevent: heartbeat\ndata: {}\n\n: a comment\n\n';
    for (const size of [1, 7, 1_000]) {
      const read = eventReader();
      const events = [];
      for (let at = 0; at < text.length; at += size) events.push(...read(text.slice(at, at + size)));
      expect(events).toEqual([
        { event: 'state', data: '{"a":1}' },
        { event: 'heartbeat', data: '{}' },
      ]);
    }
  });
});

describe('yaml', () => {
  it.each<[unknown]>([
    [
      {
        breakers: ['payments', 'partner-*'],
        trip: { window: { type: 'Time', duration: '10s' }, failureRate: { thresholdPercent: 50 } },
      },
    ],
    [
      {
        selector: {
          matchExpressions: [
            { key: 'a', operator: 'In', values: ['b', 'yes'] },
            { key: 'c', operator: 'Exists' },
          ],
        },
      },
    ],
    [{ text: 'with: colon', empty: '', nothing: {}, none: [], flag: true, number: '3' }],
  ])('writes what reads as the same: %j', (value) => {
    expect(parse(yaml(value))).toEqual(value);
  });
});

describe('the shown part of a range', () => {
  it('moves by half its length and becomes half as long around its middle, but not shorter than ten seconds', () => {
    const zoom = { from: 100_000, until: 200_000 };
    expect(moved(zoom, 'earlier')).toEqual({ from: 50_000, until: 150_000 });
    expect(moved(zoom, 'later')).toEqual({ from: 150_000, until: 250_000 });
    expect(moved(zoom, 'closer')).toEqual({ from: 125_000, until: 175_000 });
    const short = { from: 100_000, until: 112_000 };
    expect(moved(short, 'closer')).toEqual(short);
  });
});
