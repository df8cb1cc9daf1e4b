import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

describe('Jaeger traces', () => {
  it('have microseconds, typed tags, and the callee by the server span under a client span', async () => {
    const { calls } = await readText(SAMPLES.jaeger);
    expect(calls).toEqual([
      {
        start: at('10:00:00') + 123.456,
        durationMs: 100.5,
        outcome: 'success',
        status: 200,
        breaker: 'payments',
        from: 'checkout',
        instance: 'checkout-7d9f-abcde',
        key: 'HTTP GET',
      },
    ]);
  });

  it('are read from one line as from an indented document', async () => {
    const indented = await readText(SAMPLES.jaeger);
    expect((await readText(`${JSON.stringify(JSON.parse(SAMPLES.jaeger))}\n`)).calls).toEqual(indented.calls);
  });

  it('fail by the tag error where no status is known', async () => {
    const failed = SAMPLES.jaeger.replace('"http.status_code"', '"error"').replace('"value": 200', '"value": true');
    expect((await readText(failed)).calls[0]).toMatchObject({ outcome: 'failure', error: 'error' });
  });

  it('tell a probabilistic sampler', async () => {
    const tags =
      '"tags": [{"key":"sampler.type","type":"string","value":"probabilistic"},{"key":"sampler.param","type":"float64","value":0.01},';
    const { summary } = await readText(SAMPLES.jaeger.replace('"tags": [', tags));
    expect(summary.sampling).toEqual({ kind: 'head', rate: 0.01 });
  });
});
