import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

const line = (code: number, flags: string) =>
  `[2024-05-01T10:00:02.123Z] "GET /a HTTP/2" ${code} ${flags} 0 135 226 - "-" "-" "-" "orders.shop" "-"\n`;

describe('an Envoy access log', () => {
  it('has the start of a call with its milliseconds, and durations in ms', async () => {
    const { calls } = await readText(SAMPLES.envoy);
    expect(calls).toEqual([
      {
        start: at('10:00:02.123'),
        durationMs: 226,
        outcome: 'success',
        status: 200,
        breaker: 'orders.shop',
        instance: 'instance-1',
        key: '/orders/:id',
      },
      {
        start: at('10:00:02.500'),
        durationMs: 0,
        outcome: 'rejected',
        status: 503,
        error: 'overflow',
        breaker: 'orders.shop',
        key: '/orders',
      },
    ]);
  });

  it.each([
    [503, 'UH', 'failure', 'no_healthy_upstream'],
    [503, 'UF,URX', 'failure', 'connection_failed'],
    [503, 'UO', 'rejected', 'overflow'],
    [504, 'UT', 'failure', 'timeout'],
    [503, 'UC', 'failure', 'reset'],
    [0, 'DC', 'ignored', 'client_gave_up'],
    [429, 'RL', 'rejected', 'rate_limited'],
    [404, 'NR', 'failure', 'no_route'],
    [0, '-', 'failure', undefined],
    [404, '-', 'success', undefined],
  ])('takes %i with flags %s as %s', async (code, flags, outcome, error) => {
    const { calls } = await readText(line(code, flags));
    expect([calls[0]!.outcome, calls[0]!.error]).toEqual([outcome, error]);
  });

  it('finds the duration behind the details that Istio adds', async () => {
    const { calls } = await readText(
      '[2024-05-01T10:00:02.123Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 135 226 223 "-" "curl" "id" "orders:8080" "10.0.3.17:8080" outbound|8080||orders.shop 10.0.3.1:40 10.0.3.2:80 10.0.3.3:50 - default\n',
    );
    expect(calls[0]).toMatchObject({ durationMs: 226, breaker: 'orders:8080', instance: 'instance-1' });
  });

  it('reads JSON under the usual names; others are given as fields', async () => {
    const { calls } = await readText(SAMPLES['envoy-json']);
    expect(calls.map(({ durationMs, outcome, error }) => [durationMs, outcome, error])).toEqual([
      [226, 'success', undefined],
      [900, 'ignored', 'client_gave_up'],
    ]);
    const own = '{"begin":"2024-05-01T10:00:02.123Z","rc":503,"took":12,"to":"orders"}\n';
    const named = await readText(own, { fields: { time: 'begin', status: 'rc', duration: 'took', breaker: 'to' } });
    expect(named.calls).toEqual([
      { start: at('10:00:02.123'), durationMs: 12, outcome: 'failure', status: 503, breaker: 'orders' },
    ]);
  });
});
