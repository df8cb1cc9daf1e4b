import { describe, expect, it } from '@jest/globals';
import { readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

describe('a recording of the agent', () => {
  it('says how each call was counted, and names its instance once', async () => {
    const { calls } = await readText(SAMPLES.recording);
    expect(calls).toEqual([
      {
        start: 1714557600123,
        durationMs: 12.5,
        outcome: 'success',
        status: 200,
        breaker: 'payments',
        key: '/charge',
        instance: 'checkout-1',
      },
      {
        start: 1714557600200,
        durationMs: 1000,
        outcome: 'failure',
        error: 'timeout',
        breaker: 'payments',
        instance: 'checkout-1',
      },
      { start: 1714557600300, durationMs: 0, outcome: 'rejected', breaker: 'payments', instance: 'checkout-1' },
    ]);
  });

  it('takes each process after its own header, in one file as in several', async () => {
    const two = SAMPLES.recording + SAMPLES.recording.replace('checkout-1', 'checkout-2');
    const { summary } = await readText(two);
    expect([...summary.instances]).toEqual([
      ['checkout-1', 3],
      ['checkout-2', 3],
    ]);
  });

  it('says what was lost, where no breaker was in force, and that whole processes were sampled', async () => {
    const { summary } = await readText(
      '{"fuseboard":"calls/1","share":0.1}\n{"t":1714557600123,"d":1,"o":"success","b":"a","f":0}\n{"lost":12}\n',
    );
    const notes = summary.notes.join('\n');
    expect(notes).toContain('Only 10 % of the processes recorded');
    expect(notes).toContain('12 calls were not recorded');
    expect(notes).toContain('1 calls were made where no breaker was in force');
    expect(summary.sampling).toBeUndefined();
  });

  it('keeps the outcome that the agent counted, unless a status is said to be a failure', async () => {
    const text = '{"fuseboard":"calls/1"}\n{"t":1714557600123,"d":1,"o":"success","s":503,"b":"a"}\n';
    expect((await readText(text)).calls[0]!.outcome).toBe('success');
    expect((await readText(text, { failureStatuses: ['503'] })).calls[0]!.outcome).toBe('failure');
  });
});
