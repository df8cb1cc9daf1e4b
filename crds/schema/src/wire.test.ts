import { describe, expect, it } from '@jest/globals';
import {
  CommitSchema,
  PolicyEventSchema,
  ReportSchema,
  RoutesSchema,
  StreamQuerySchema,
  TotalsSchema,
} from './wire.ts';

const totals = Object.fromEntries(Object.keys(TotalsSchema.shape).map((name, i) => [name, i]));
const report = {
  protocol: 1,
  service: 'checkout',
  instance: 'pod/1/0',
  boot: '0123456789abcdef0123456789abcdef',
  sequence: 1,
  part: 1,
  parts: 1,
  rejections: [],
  breakers: [{ name: 'payments', state: 'closed', since: 12.5, totals }],
};

describe('a report', () => {
  it('is read', () => {
    expect(ReportSchema.parse(report)).toEqual(report);
  });

  it('may carry fields of a newer agent', () => {
    expect(
      ReportSchema.safeParse({ ...report, mood: 'good', breakers: [{ ...report.breakers[0], mood: 1 }] }).success,
    ).toBe(true);
  });

  it.each([
    { ...report, boot: 'short' },
    { ...report, sequence: 0 },
    { ...report, breakers: [{ ...report.breakers[0], state: 'ajar' }] },
    { ...report, breakers: [{ ...report.breakers[0], totals: { ...totals, failed: -1 } }] },
    { ...report, breakers: [{ ...report.breakers[0], name: 'two words' }] },
    { ...report, rejections: [{ uid: 'u' }] },
  ])('is refused when a value is unusable (%#)', (body) => {
    expect(ReportSchema.safeParse(body).success).toBe(false);
  });
});

describe('the stream', () => {
  it('carries a policy or the order to hold one', () => {
    expect(PolicyEventSchema.safeParse({ uid: 'u', generation: 3, name: 'p', spec: { breakers: ['x'] } }).success).toBe(
      true,
    );
    expect(PolicyEventSchema.safeParse({ uid: 'u', generation: 4, hold: true }).success).toBe(true);
  });

  it('carries routes in order, and ends a change with its revision', () => {
    expect(
      RoutesSchema.parse([
        ['payments', 'u1'],
        ['partner-*', 'u2'],
      ]),
    ).toHaveLength(2);
    expect(CommitSchema.safeParse({}).success).toBe(false);
  });

  it('is opened with a service, an instance and a boot', () => {
    const query = { service: 's', instance: 'i', boot: report.boot };
    expect(StreamQuerySchema.parse(query)).toMatchObject({ protocol: 1, labels: '', since: '' });
    expect(StreamQuerySchema.safeParse({ ...query, boot: 'x' }).success).toBe(false);
  });
});
