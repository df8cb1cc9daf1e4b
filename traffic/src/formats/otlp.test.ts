import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

const span = (kind: number, attributes: Record<string, string>, more: object = {}) =>
  `${JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] },
        scopeSpans: [
          {
            spans: [
              {
                kind,
                name: 'Charge',
                startTimeUnixNano: '1714557602000000000',
                endTimeUnixNano: '1714557602100000000',
                attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
                ...more,
              },
            ],
          },
        ],
      },
    ],
  })}\n`;

describe('OpenTelemetry traces', () => {
  it('are client spans, with nanoseconds as text kept to the microsecond; the server span is the same call', async () => {
    const { calls, summary } = await readText(SAMPLES.otlp);
    expect(calls).toEqual([
      {
        start: at('10:00:00') + 123.456,
        durationMs: 100.5,
        outcome: 'success',
        status: 200,
        breaker: 'payments',
        from: 'checkout',
        instance: 'checkout-7d9f-abcde',
        key: 'GET',
      },
      {
        start: at('10:00:01'),
        durationMs: 1000,
        outcome: 'failure',
        status: 503,
        breaker: 'payments',
        from: 'checkout',
        instance: 'checkout-7d9f-abcde',
        key: 'GET',
      },
    ]);
    expect(summary.notes.join('\n')).toContain('server spans are the same calls seen from the server');
  });

  it('are read from one large document as from lines', async () => {
    const lines = await readText(SAMPLES.otlp);
    const document = await readText(JSON.stringify(JSON.parse(SAMPLES.otlp), null, 2));
    expect(document.summary.format).toBe('otlp');
    expect(document.calls).toEqual(lines.calls);
  });

  it('are refused where only servers recorded, unless that is asked for', async () => {
    const server = span(2, { 'http.response.status_code': '200' });
    await expect(readText(server)).rejects.toThrow(/no client span, but 1 server spans/);
    const { calls, summary } = await readText(server, { spans: 'server' });
    expect(calls[0]).toMatchObject({ breaker: 'checkout', outcome: 'success' });
    expect(summary.notes.join('\n')).toContain('calls that never arrived and time-outs of callers are not in them');
  });

  it.each([
    [
      'a status of 404 that the library marks as an error',
      { 'http.response.status_code': '404', 'error.type': '404' },
      { status: { code: 2 } },
      'success',
      undefined,
    ],
    ['an old name of the status', { 'http.status_code': '500' }, {}, 'failure', undefined],
    [
      'an error without a status',
      { 'error.type': 'java.net.ConnectException' },
      { status: { code: 'STATUS_CODE_ERROR' } },
      'failure',
      'java.net.ConnectException',
    ],
    ['gRPC unavailable', { 'rpc.grpc.status_code': '14' }, { status: { code: 2 } }, 'failure', 'grpc_unavailable'],
    ['gRPC not found', { 'rpc.grpc.status_code': '5' }, { status: { code: 2 } }, 'success', undefined],
    [
      'a call that the caller cancelled',
      { 'rpc.grpc.status_code': '1' },
      { status: { code: 2 } },
      'ignored',
      'grpc_cancelled',
    ],
  ])('takes %s as it is meant', async (_what, attributes, more, outcome, error) => {
    const { calls } = await readText(
      span(3, { 'peer.service': 'payments', ...(attributes as Record<string, string>) }, more),
    );
    expect([calls[0]!.outcome, calls[0]!.error]).toEqual([outcome, error]);
  });

  it.each([
    ['head sampling in the trace state', {}, { traceState: 'ot=th:8' }, { kind: 'head', rate: 0.5 }],
    ['a probability', { 'sampling.probability': '0.1' }, {}, { kind: 'head', rate: 0.1 }],
    ['a policy of tail sampling', { 'tailsampling.policy': 'errors' }, {}, { kind: 'tail' }],
    ['a rate of events', { SampleRate: '20' }, {}, { kind: 'unknown', rate: 0.05 }],
    ['nothing', {}, { traceState: 'ot=th:0' }, undefined],
  ])('tell %s', async (_what, attributes, more, sampling) => {
    const { summary } = await readText(span(3, attributes as Record<string, string>, more));
    expect(summary.sampling).toEqual(sampling);
  });
});
