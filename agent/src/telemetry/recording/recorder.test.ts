import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { kindOf, NOTHING_SEEN, namesOf, OUTCOME_CODES } from './call-ring.ts';
import { NO_NAME } from './name-ids.ts';
import type { RecordSink } from './record-options.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';

const { success, failure, rejected } = OUTCOME_CODES;
const HEADER = '{"fuseboard":"calls/1","agent":"1.2.3","instance":"checkout-1","share":1}\n';

class Blocks implements RecordSink {
  readonly blocks: string[] = [];
  broken: Error | undefined;

  async write(block: string): Promise<void> {
    if (this.broken) throw this.broken;
    this.blocks.push(block);
  }

  writeSync(block: string): void {
    if (this.broken) throw this.broken;
    this.blocks.push(block);
  }
}

describe('a recorder', () => {
  let sink: Blocks;
  let warnings: string[];
  const opened: Recorder[] = [];
  const recorder = (options: Partial<RecorderOptions> = {}) => {
    const header = { agent: '1.2.3', instance: 'checkout-1', share: 1 };
    const one = new Recorder(sink, { header, warn: (message) => warnings.push(message), ...options });
    opened.push(one);
    return one;
  };
  const simple = (one: Recorder, start: number) =>
    one.record(start, 1, kindOf(success, NOTHING_SEEN, true), namesOf(one.nameId('a'), NO_NAME));
  const starts = () =>
    sink.blocks
      .join('')
      .split('\n')
      .flatMap((line) => /"t":(\d+)/.exec(line)?.[1] ?? [])
      .map(Number);

  beforeEach(() => {
    sink = new Blocks();
    warnings = [];
  });
  afterEach(() => {
    for (const one of opened.splice(0)) one.closeSync();
    jest.useRealTimers();
  });

  it('writes what each call was as a line of JSON, after a header', async () => {
    const one = recorder();
    const [breaker, key] = [one.nameId('payments'), one.nameId('tenant "7"')];
    one.record(1714557600123.45, 12.34567, kindOf(success, 200, true), namesOf(breaker, key));
    one.record(1714557600200, 1000, kindOf(failure, one.errorId('ETIMEDOUT'), true), namesOf(breaker, NO_NAME));
    one.record(1714557600300, 0, kindOf(rejected, NOTHING_SEEN, true), namesOf(breaker, NO_NAME));
    one.record(1714557600400, 5, kindOf(success, 0, false), namesOf(breaker, NO_NAME));
    await one.flush();
    expect(sink.blocks).toEqual([
      `${HEADER}{"t":1714557600123.45,"d":12.346,"o":"success","s":200,"b":"payments","k":"tenant \\"7\\"","f":1}\n` +
        '{"t":1714557600200,"d":1000,"o":"failure","e":"ETIMEDOUT","b":"payments","f":1}\n' +
        '{"t":1714557600300,"d":0,"o":"rejected","b":"payments","f":1}\n' +
        '{"t":1714557600400,"d":5,"o":"success","s":0,"b":"payments","f":0}\n',
    ]);
  });

  it('writes once a second, and nothing when there was no call', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const one = recorder();
    await jest.advanceTimersByTimeAsync(5000);
    expect(sink.blocks).toEqual([]);
    simple(one, 7);
    await jest.advanceTimersByTimeAsync(999);
    expect(sink.blocks).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(starts()).toEqual([7]);
  });

  it('does not wait for the timer when half of the ring is full', async () => {
    const one = recorder({ capacity: 10, everyMs: 1e9 });
    for (let start = 1; start <= 4; start++) simple(one, start);
    await new Promise((resolve) => setImmediate(resolve));
    expect(starts()).toEqual([]);
    simple(one, 5);
    await new Promise((resolve) => setImmediate(resolve));
    await one.flush();
    expect(starts()).toEqual([1, 2, 3, 4, 5]);
  });

  it('counts calls that find the ring full, and says so in the recording', async () => {
    const one = recorder({ capacity: 3 });
    for (let start = 1; start <= 5; start++) simple(one, start);
    await one.flush();
    expect(starts()).toEqual([1, 2, 3]);
    expect(sink.blocks[0]).toContain(`${HEADER}{"lost":2}\n`);
    simple(one, 6);
    await one.flush();
    expect(sink.blocks[1]).not.toContain('lost');
  });

  it('yields to the event loop while it writes many lines', async () => {
    const one = recorder({ everyMs: 1e9 });
    for (let start = 1; start <= 5000; start++) simple(one, start);
    let turns = 0;
    let done = false;
    const count = () => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await one.flush();
    done = true;
    expect(turns).toBeGreaterThan(5);
    expect(starts()).toHaveLength(5000);
  });

  it('gives calls and process peace when the sink fails: it warns once and counts what is lost', async () => {
    const one = recorder();
    sink.broken = new Error('no space left on device');
    for (const start of [1, 2]) {
      simple(one, start);
      await one.flush();
    }
    expect(warnings).toEqual([
      'calls are not recorded: no space left on device; they are counted as lost until it works',
    ]);
    sink.broken = undefined;
    simple(one, 3);
    await one.flush();
    expect(sink.blocks).toHaveLength(1);
    expect(sink.blocks[0]).toContain('{"lost":2}');
    expect(starts()).toEqual([3]);
  });

  it('writes the last calls when it is closed, and records nothing after', async () => {
    const one = recorder();
    simple(one, 1);
    await one.close();
    simple(one, 2);
    await one.flush();
    expect(starts()).toEqual([1]);
  });

  it('writes the last calls without waiting when the process ends', () => {
    const one = recorder();
    simple(one, 1);
    one.closeSync();
    one.closeSync();
    expect(sink.blocks).toHaveLength(1);
    expect(starts()).toEqual([1]);
  });

  it('keeps a bounded number of names', async () => {
    const one = recorder();
    for (let at = 0; at < 10_005; at++) one.nameId(`key ${at}`);
    expect(one.nameId('key 3')).toBe(one.nameId('key 3'));
    expect(one.nameId('key 10003')).toBe(one.nameId('key 10004'));
    one.record(1, 1, kindOf(success, NOTHING_SEEN, true), namesOf(one.nameId('key 1'), one.nameId('key 10004')));
    await one.flush();
    expect(sink.blocks[0]).toContain('"b":"key 1","k":"(other)"');
  });
});
