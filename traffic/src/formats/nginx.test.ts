import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

const line = (rest: string) =>
  `203.0.113.9 - alice [01/May/2024:12:00:02 +0200] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0" ${rest}\n`;

describe('an nginx access log', () => {
  it('has the end of a call in brackets: its start is that less $request_time', async () => {
    const { calls } = await readText(SAMPLES.nginx);
    expect(calls.map(({ start, durationMs }) => [start, durationMs])).toEqual([
      [at('10:00:00.500'), 2500],
      [at('10:00:00.750'), 1250],
      [at('10:00:02.900'), 100],
    ]);
  });

  it('takes a client that gave up as ignored, unless its status is said to be a failure', async () => {
    const statuses = (calls: readonly { status?: number; outcome: string }[]) =>
      calls.map(({ status, outcome }) => [status, outcome]);
    const usual = await readText(SAMPLES.nginx);
    expect(statuses(usual.calls)).toEqual([
      [504, 'failure'],
      [200, 'success'],
      [499, 'ignored'],
    ]);
    const strict = await readText(SAMPLES.nginx, { failureStatuses: ['5xx', '499'] });
    expect(statuses(strict.calls)).toEqual([
      [504, 'failure'],
      [200, 'success'],
      [499, 'failure'],
    ]);
    expect(usual.summary.statusTable).toContainEqual({ seen: '499', outcome: 'ignored', calls: 1 });
  });

  it('counts a call that was tried on several servers once, on the last of them', async () => {
    const { calls, summary } = await readText(SAMPLES.nginx);
    expect(calls.map(({ instance }) => instance)).toEqual(['instance-2', 'instance-1', undefined]);
    expect(summary.notes.join('\n')).toContain('1 calls were tried on several servers');
  });

  it.each([
    ['rt=0.250 uct="0.000" uht="0.240" urt="0.245"', 250],
    ['request_time=0.250', 250],
    ['"203.0.113.7" 0.250', 250],
    ['urt="0.100, 0.150 : 0.050"', 300],
  ])('reads the duration of …%s', async (rest, durationMs) => {
    const { calls, summary } = await readText(line(rest));
    expect(summary.format).toBe('nginx');
    expect(calls[0]).toMatchObject({ start: at('10:00:02') - durationMs, durationMs });
  });

  it('reads JSON under the names of its variables, in whole seconds or by $msec', async () => {
    const { calls } = await readText(SAMPLES['nginx-json']);
    expect(calls).toEqual([
      {
        start: at('10:00:00.750'),
        durationMs: 1250,
        outcome: 'success',
        status: 200,
        breaker: 'shop.example',
        instance: 'instance-1',
        key: '/orders/:id',
      },
      {
        start: at('10:00:02.500'),
        durationMs: 500,
        outcome: 'failure',
        status: 502,
        breaker: 'shop.example',
        instance: 'instance-1',
        key: '/orders',
      },
    ]);
    const exact = await readText('{"msec":"1714557602.123","status":200,"request_time":0.123}\n');
    expect(exact.calls[0]!.start).toBe(at('10:00:02'));
    expect(exact.summary.notes.join('\n')).not.toContain('to the second');
  });

  it('takes a line whose duration is too large for a number as a bad one', async () => {
    const of = (duration: string) => `{"msec":"1714557602.123","status":200,"request_time":${duration}}\n`;
    const { calls, summary } = await readText(of('0.123').repeat(99) + of('1e999'));
    expect(calls.map(({ start }) => start)).toEqual(new Array(99).fill(at('10:00:02')));
    expect(summary.badLines).toBe(1);
  });

  it.each([['1.003 1.004, 0.000 10.0.3.17:8080, two'], ['0.000 0.000 two']])(
    'takes …%s as a call for which no server was left',
    async (rest) => {
      const { calls } = await readText(line(rest).replace(' 200 ', ' 502 '));
      expect([calls[0]!.outcome, calls[0]!.error, calls[0]!.instance]).toEqual([
        'failure',
        'no_live_upstream',
        undefined,
      ]);
    },
  );

  it('says that starts are true to a second only', async () => {
    const { summary } = await readText(SAMPLES.nginx);
    expect(summary.notes.join('\n')).toContain('starts are these less the duration and may be up to 1 s off');
  });
});
