import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

const expected = (second: object) => [
  { start: at('10:00:02.123'), durationMs: 226, outcome: 'success', status: 200, breaker: 'Orders' },
  { start: at('10:00:02.500'), durationMs: 1000, outcome: 'failure', breaker: 'Orders', ...second },
];

describe('JMeter results', () => {
  it('in CSV have starts, the columns of their header, and no transactions', async () => {
    const { calls, summary } = await readText(SAMPLES['jmeter-csv']);
    expect(calls.map(({ key, ...call }) => call)).toEqual(expected({ error: 'SocketTimeoutException' }));
    expect(calls[0]!.key).toBe('/orders');
    expect(summary.notes.join('\n')).toContain('1 transactions are left out');
    expect(summary.notes.join('\n')).toContain('coordinated omission');
  });

  it('in CSV may have other columns in another order', async () => {
    const { calls } = await readText('success;elapsed;timeStamp;label\nfalse;1000;1714557602500;Orders\n');
    expect(calls).toEqual([{ start: at('10:00:02.500'), durationMs: 1000, outcome: 'failure', breaker: 'Orders' }]);
  });

  it('in XML count a page once with its parts, and the calls of a transaction without it', async () => {
    const { calls } = await readText(SAMPLES['jmeter-xml']);
    expect(calls).toEqual(expected({ status: 503 }));
  });

  it('in XML may end where the test was stopped', async () => {
    const cut = SAMPLES['jmeter-xml'].split('</httpSample></httpSample>').join('').replace('</testResults>\n', '');
    expect((await readText(cut)).calls).toHaveLength(2);
  });

  it('that are not well-formed say so', async () => {
    await expect(readText(SAMPLES['jmeter-xml'].replace('</httpSample>', '</sample>'))).rejects.toThrow(
      /is not well-formed XML/,
    );
  });
});
