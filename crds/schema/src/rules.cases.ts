/** A spec whose single fields are well-formed, and the rules across fields that it breaks. */
export interface RuleCase {
  readonly name: string;
  readonly spec: object;
  /** The dotted paths, from the spec, of the fields that break a rule; empty when the spec is accepted. */
  readonly broken: readonly string[];
}

const spec = (rest: object) => ({ breakers: ['payments'], ...rest });
const trip = (value: object) => spec({ trip: value });
const rate = { thresholdPercent: 50 };
const slow = { thresholdPercent: 50, slowerThan: '1s' };
const halfOpen = (value: object) => spec({ trip: { failureRate: rate }, recovery: { halfOpen: value } });
const requirement = (value: object) => spec({ selector: { matchExpressions: [{ key: 'app', ...value }] } });
const label = (key: string) => spec({ selector: { matchLabels: { [key]: 'x' } } });

/** Run through both forms of each rule: the expression that the API server evaluates, and the predicate. */
export const RULE_CASES: readonly RuleCase[] = [
  { name: 'no trip at all', spec: spec({}), broken: [] },
  { name: 'an empty trip', spec: trip({}), broken: ['trip'] },
  { name: 'a trip with a window only', spec: trip({ window: { type: 'Time', duration: '10s' } }), broken: ['trip'] },
  { name: 'a failure rate', spec: trip({ failureRate: { thresholdPercent: 50 } }), broken: [] },
  { name: 'a failure count', spec: trip({ failureCount: 5 }), broken: [] },
  { name: 'consecutive failures', spec: trip({ consecutiveFailures: 5 }), broken: [] },
  {
    name: 'all three conditions',
    spec: trip({ failureRate: { thresholdPercent: 1 }, failureCount: 1, consecutiveFailures: 1, minimumCalls: 1 }),
    broken: [],
  },
  {
    name: 'minimumCalls with a rate',
    spec: trip({ minimumCalls: 10, failureRate: { thresholdPercent: 50 } }),
    broken: [],
  },
  {
    name: 'minimumCalls without a rate',
    spec: trip({ minimumCalls: 10, failureCount: 5 }),
    broken: ['trip.minimumCalls'],
  },
  { name: 'minimumCalls alone', spec: trip({ minimumCalls: 10 }), broken: ['trip', 'trip.minimumCalls'] },
  {
    name: 'failureCount as large as the window',
    spec: trip({ failureCount: 10, window: { type: 'Count', size: 10 } }),
    broken: [],
  },
  {
    name: 'failureCount larger than the window',
    spec: trip({ failureCount: 11, window: { type: 'Count', size: 10 } }),
    broken: ['trip.failureCount'],
  },
  {
    name: 'failureCount with a window of time',
    spec: trip({ failureCount: 1000, window: { type: 'Time', duration: '1s' } }),
    broken: [],
  },
  {
    name: 'a window of time without a duration',
    spec: trip({ failureCount: 1, window: { type: 'Time' } }),
    broken: ['trip.window.duration'],
  },
  {
    name: 'a window of time with a size',
    spec: trip({ failureCount: 1, window: { type: 'Time', duration: '10s', size: 10 } }),
    broken: ['trip.window.size'],
  },
  {
    name: 'a window of calls without a size',
    spec: trip({ failureCount: 1, window: { type: 'Count' } }),
    broken: ['trip.window.size'],
  },
  {
    name: 'a window of calls with a duration',
    spec: trip({ failureCount: 1, window: { type: 'Count', size: 10, duration: '10s' } }),
    broken: ['trip.window.duration'],
  },
  {
    name: 'a window of calls with a duration in place of a size',
    spec: trip({ failureCount: 1, window: { type: 'Count', duration: '10s' } }),
    broken: ['trip.window.duration', 'trip.window.size'],
  },
  { name: 'a rate of slow calls', spec: trip({ slowCallRate: slow }), broken: [] },
  {
    name: 'minimumCalls with a rate of slow calls',
    spec: trip({ minimumCalls: 10, slowCallRate: slow }),
    broken: [],
  },
  {
    name: 'an Ewma window',
    spec: trip({ failureCount: 1, window: { type: 'Ewma', halfLife: '10s' } }),
    broken: [],
  },
  {
    name: 'an Ewma window without a half-life',
    spec: trip({ failureCount: 1, window: { type: 'Ewma' } }),
    broken: ['trip.window.halfLife'],
  },
  {
    name: 'an Ewma window with the fields of the others',
    spec: trip({ failureCount: 1, window: { type: 'Ewma', halfLife: '10s', duration: '10s', size: 10 } }),
    broken: ['trip.window.duration', 'trip.window.size'],
  },
  {
    name: 'a window of time with a half-life',
    spec: trip({ failureCount: 1, window: { type: 'Time', duration: '10s', halfLife: '10s' } }),
    broken: ['trip.window.halfLife'],
  },
  {
    name: 'a window of calls with a half-life',
    spec: trip({ failureCount: 1, window: { type: 'Count', size: 10, halfLife: '10s' } }),
    broken: ['trip.window.halfLife'],
  },
  {
    name: 'an open time that grows',
    spec: spec({ recovery: { openDuration: '10s', backoffFactor: 2, maxOpenDuration: '10000ms', jitterPercent: 0 } }),
    broken: [],
  },
  {
    name: 'a longest open time that is shorter than the first',
    spec: spec({ recovery: { openDuration: '1m', maxOpenDuration: '59s' } }),
    broken: ['recovery.maxOpenDuration'],
  },
  {
    name: 'a longest open time that is shorter than the absent one',
    spec: spec({ recovery: { maxOpenDuration: '29s' } }),
    broken: ['recovery.maxOpenDuration'],
  },
  {
    name: 'a longest open time that is the absent one',
    spec: spec({ recovery: { maxOpenDuration: '30s' } }),
    broken: [],
  },
  { name: 'a ramp', spec: halfOpen({ strategy: 'Ramp', rampDuration: '10s' }), broken: [] },
  { name: 'a ramp without its duration', spec: halfOpen({ strategy: 'Ramp' }), broken: [] },
  ...(['maxProbes', 'successThreshold'] as const).map((name) => ({
    name: `a ramp with ${name}`,
    spec: halfOpen({ strategy: 'Ramp', [name]: 1 }),
    broken: ['recovery.halfOpen.strategy'],
  })),
  {
    name: 'a ramp with probeTimeout',
    spec: halfOpen({ strategy: 'Ramp', probeTimeout: '1s' }),
    broken: ['recovery.halfOpen.strategy'],
  },
  {
    name: 'a ramp with evaluate',
    spec: halfOpen({ strategy: 'Ramp', evaluate: 'FailureRate' }),
    broken: ['recovery.halfOpen.strategy'],
  },
  {
    name: 'probes with rampDuration',
    spec: halfOpen({ strategy: 'Probes', rampDuration: '1s' }),
    broken: ['recovery.halfOpen.rampDuration'],
  },
  {
    name: 'rampDuration without a strategy',
    spec: halfOpen({ rampDuration: '1s' }),
    broken: ['recovery.halfOpen.rampDuration'],
  },
  { name: 'probes that decide together', spec: halfOpen({ maxProbes: 10, evaluate: 'FailureRate' }), broken: [] },
  {
    name: 'probes that decide one by one',
    spec: halfOpen({ strategy: 'Probes', maxProbes: 2, evaluate: 'AnyFailure', successThreshold: 5 }),
    broken: [],
  },
  {
    name: 'probes that decide together with successThreshold',
    spec: halfOpen({ evaluate: 'FailureRate', successThreshold: 5 }),
    broken: ['recovery.halfOpen.successThreshold'],
  },
  {
    name: 'probes that decide together by slow calls',
    spec: spec({ trip: { slowCallRate: slow }, recovery: { halfOpen: { evaluate: 'FailureRate' } } }),
    broken: [],
  },
  {
    name: 'probes that decide together without a rate',
    spec: spec({ trip: { failureCount: 1 }, recovery: { halfOpen: { evaluate: 'FailureRate' } } }),
    broken: ['recovery.halfOpen.evaluate'],
  },
  {
    name: 'probes that decide together without trip',
    spec: spec({ recovery: { halfOpen: { evaluate: 'FailureRate' } } }),
    broken: ['recovery.halfOpen.evaluate'],
  },
  { name: 'In with values', spec: requirement({ operator: 'In', values: ['a', 'b'] }), broken: [] },
  { name: 'NotIn with values', spec: requirement({ operator: 'NotIn', values: ['a'] }), broken: [] },
  { name: 'Exists without values', spec: requirement({ operator: 'Exists' }), broken: [] },
  { name: 'DoesNotExist with an empty list', spec: requirement({ operator: 'DoesNotExist', values: [] }), broken: [] },
  {
    name: 'In without values',
    spec: requirement({ operator: 'In' }),
    broken: ['selector.matchExpressions[0].values'],
  },
  {
    name: 'NotIn with an empty list',
    spec: requirement({ operator: 'NotIn', values: [] }),
    broken: ['selector.matchExpressions[0].values'],
  },
  {
    name: 'Exists with values, as the second requirement',
    spec: spec({
      selector: {
        matchExpressions: [
          { key: 'app', operator: 'Exists' },
          { key: 'tier', operator: 'Exists', values: ['a'] },
        ],
      },
    }),
    broken: ['selector.matchExpressions[1].values'],
  },
  { name: 'a plain label', spec: label('app'), broken: [] },
  { name: 'a label with a prefix', spec: label('app.kubernetes.io/name'), broken: [] },
  { name: 'a label of 63 characters', spec: label('a'.repeat(63)), broken: [] },
  { name: 'no labels', spec: spec({ selector: { matchLabels: {} } }), broken: [] },
  { name: 'a label of 64 characters', spec: label('a'.repeat(64)), broken: ['selector.matchLabels'] },
  { name: 'a label with a space', spec: label('my app'), broken: ['selector.matchLabels'] },
  { name: 'a label that ends in a dash', spec: label('app-'), broken: ['selector.matchLabels'] },
  { name: 'a label with two slashes', spec: label('a/b/c'), broken: ['selector.matchLabels'] },
  { name: 'a label with an empty prefix', spec: label('/name'), broken: ['selector.matchLabels'] },
  { name: 'a fixed time limit', spec: spec({ timeout: { duration: '2s' } }), broken: [] },
  { name: 'a time limit that says nothing', spec: spec({ timeout: {} }), broken: ['timeout.duration'] },
  { name: 'an adaptive time limit', spec: spec({ timeout: { adaptive: { max: '5s' } } }), broken: [] },
  {
    name: 'an adaptive time limit between equal bounds',
    spec: spec({ timeout: { duration: '9s', adaptive: { min: '1s', max: '1000ms' } } }),
    broken: [],
  },
  {
    name: 'an adaptive time limit whose least is more than its most',
    spec: spec({ timeout: { adaptive: { min: '6s', max: '5s' } } }),
    broken: ['timeout.adaptive.min'],
  },
  {
    name: 'an adaptive limit of calls with its defaults',
    spec: spec({ concurrency: { maxConcurrent: 1, adaptive: {} } }),
    broken: [],
  },
  {
    name: 'an adaptive limit of calls between equal bounds',
    spec: spec({ concurrency: { maxConcurrent: 5, adaptive: { minConcurrent: 5, initial: 5 } } }),
    broken: [],
  },
  {
    name: 'an adaptive limit of calls whose least is more than its most',
    spec: spec({ concurrency: { maxConcurrent: 5, adaptive: { minConcurrent: 6 } } }),
    broken: ['concurrency.adaptive'],
  },
  {
    name: 'an adaptive limit of calls that begins above its most',
    spec: spec({ concurrency: { maxConcurrent: 5, adaptive: { initial: 6 } } }),
    broken: ['concurrency.adaptive'],
  },
  {
    name: 'an adaptive limit of calls that begins below its least',
    spec: spec({ concurrency: { maxConcurrent: 5, adaptive: { minConcurrent: 3, initial: 2 } } }),
    broken: ['concurrency.adaptive.initial'],
  },
  {
    name: 'a backoff up to its beginning',
    spec: spec({ retry: { maxAttempts: 3, backoff: { initial: '1s', max: '1s' } } }),
    broken: [],
  },
  {
    name: 'a backoff with a beginning only',
    spec: spec({ retry: { maxAttempts: 3, backoff: { initial: '1h' } } }),
    broken: [],
  },
  {
    name: 'a backoff that begins above its most',
    spec: spec({ retry: { maxAttempts: 3, backoff: { initial: '2s', max: '1s' } } }),
    broken: ['retry.backoff.initial'],
  },
  { name: 'no fallback', spec: spec({ fallback: { type: 'None' } }), broken: [] },
  {
    name: 'a static fallback',
    spec: spec({ fallback: { type: 'Static', static: { value: { rate: 1, known: [null] } } } }),
    broken: [],
  },
  {
    name: 'a static fallback without a value',
    spec: spec({ fallback: { type: 'Static' } }),
    broken: ['fallback.static'],
  },
  {
    name: 'a static value with another fallback',
    spec: spec({ fallback: { type: 'LastSuccess', static: { value: 1 } } }),
    broken: ['fallback.static'],
  },
  {
    name: 'the last success up to an age',
    spec: spec({ fallback: { type: 'LastSuccess', maxAge: '1h' } }),
    broken: [],
  },
  {
    name: 'an age without a fallback',
    spec: spec({ fallback: { type: 'None', maxAge: '1h' } }),
    broken: ['fallback.maxAge'],
  },
  {
    name: 'two rules broken in different places',
    spec: spec({ trip: {}, selector: { matchExpressions: [{ key: 'app', operator: 'In' }] } }),
    broken: ['trip', 'selector.matchExpressions[0].values'],
  },
];

/** Texts that look like a duration, and whether they lie within its bounds. */
export const DURATION_CASES: readonly (readonly [text: string, accepted: boolean])[] = [
  ['1ms', true],
  ['250ms', true],
  ['30s', true],
  ['1m30s', true],
  ['24h', true],
  ['23h59m59s999ms', true],
  ['1440m', true],
  ['0s', false],
  ['0ms', false],
  ['0h0m0s0ms', false],
  ['24h1ms', false],
  ['25h', false],
  ['86401s', false],
  ['1441m', false],
];
