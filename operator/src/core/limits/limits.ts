/** A bound on something that callers from outside can make grow. */
export interface Limit {
  /** What is bounded. */
  readonly what: string;
  /** Absent: the bound is fixed. */
  readonly flag?: string;
  /** The value of the flag where it is absent, or the fixed bound. */
  readonly value: number;
  readonly unit: string;
  readonly scope: 'a pod' | 'a caller' | 'a namespace' | 'this replica';
  /** What happens at the bound. */
  readonly reached: string;
}

/**
 * Every bound by the `reason` that `fuseboard_limited_total` counts it under. docs/limits.md is generated from this
 * table, and `limits.test.ts` and `operator/test/limits.test.ts` drive each row to its bound.
 */
export const LIMITS = {
  'streams-of-pod': {
    what: 'Open streams',
    flag: '--max-streams-per-pod',
    value: 64,
    unit: 'streams',
    scope: 'a pod',
    reached: 'the stream is refused with 503',
  },
  'stream-rate-of-pod': {
    what: 'New streams, after a burst of twice `--max-streams-per-pod`',
    flag: '--max-streams-per-pod',
    value: 64,
    unit: 'streams in 10 s',
    scope: 'a pod',
    reached: 'the stream is refused with 503, before it takes from the budget of all',
  },
  'stream-rate': {
    what: 'New streams',
    flag: '--max-streams-per-second',
    value: 500,
    unit: 'streams a second',
    scope: 'this replica',
    reached:
      'the stream is refused with 503 and a time to come again; the second half of the budget is for pods that used less than half of their own',
  },
  'agents-of-pod': {
    what: 'Processes that are remembered',
    flag: '--max-agents-per-pod',
    value: 64,
    unit: 'processes',
    scope: 'a pod',
    reached: 'the oldest process without a stream is forgotten; where all have one, the stream is refused with 503',
  },
  agents: {
    what: 'Processes that are remembered, shared between namespaces and pods',
    flag: '--max-agents',
    value: 20_000,
    unit: 'processes',
    scope: 'this replica',
    reached: 'the stream is refused with 503',
  },
  'breakers-of-agent': {
    what: 'Breakers and keys of one process whose state is remembered',
    value: 2_000,
    unit: 'breakers',
    scope: 'a pod',
    reached: 'calls of further ones are counted; their state is not shown',
  },
  'breakers-of-pod': {
    what: 'Breakers and keys whose state is remembered',
    flag: '--max-breakers-per-pod',
    value: 4_000,
    unit: 'breakers',
    scope: 'a pod',
    reached: 'calls of further ones are counted; their state is not shown',
  },
  breakers: {
    what: 'Breakers and keys whose state is remembered, shared between namespaces and pods',
    flag: '--max-breakers',
    value: 200_000,
    unit: 'breakers',
    scope: 'this replica',
    reached: 'calls of further ones are counted; their state is not shown',
  },
  snapshots: {
    what: 'Different sets of policies that agents are to run, shared between namespaces',
    flag: '--max-snapshots',
    value: 1_000,
    unit: 'sets',
    scope: 'this replica',
    reached: 'a stream that would need a further set is refused with 503',
  },
  'report-rate-of-pod': {
    what: 'Parts of reports, each with one more for every 8 breakers in it, after a burst of 5 s',
    flag: '--max-reports-per-pod',
    value: 100,
    unit: 'parts a second',
    scope: 'a pod',
    reached: 'the report is refused with 503 and sent again later',
  },
  'report-rate': {
    what: 'Parts of reports, each with one more for every 8 breakers in it',
    flag: '--max-reports-per-second',
    value: 10_000,
    unit: 'parts a second',
    scope: 'this replica',
    reached:
      'the report is refused with 503; the second half of the budget is for pods that used less than half of their own',
  },
  'calls-of-report': {
    what: 'Calls that one breaker counts between two reports',
    value: 2 ** 32,
    unit: 'calls',
    scope: 'a pod',
    reached: 'none of the calls of that breaker in that report is counted',
  },
  'catch-ups': {
    what: 'Reads of all policies because an agent has seen newer ones',
    value: 1,
    unit: 'a second, one at a time',
    scope: 'this replica',
    reached: 'the stream waits for the next read, with all others that wait',
  },
  'log-lines-of-pod': {
    what: 'Log lines about what agents report, after a burst of 20',
    value: 1,
    unit: 'lines a second',
    scope: 'a pod',
    reached: 'the line is left out; counts, status and Events show the change',
  },
  'log-lines': {
    what: 'Log lines about what agents report',
    value: 50,
    unit: 'lines a second',
    scope: 'this replica',
    reached: 'the line is left out; counts, status and Events show the change',
  },
  'watches-of-caller': {
    what: 'Watches of the admin API',
    value: 20,
    unit: 'watches',
    scope: 'a caller',
    reached: 'the watch is refused with 503',
  },
  watches: {
    what: 'Watches of the admin API',
    value: 100,
    unit: 'watches',
    scope: 'this replica',
    reached: 'the watch is refused with 503',
  },
  connections: {
    what: "Connections of the agents' port",
    flag: '--max-connections',
    value: 20_000,
    unit: 'connections',
    scope: 'this replica',
    reached:
      'the oldest connection without a running answer, of the address with the most of them, is closed for the new one; where all are in use, the new one is closed',
  },
  'other-connections': {
    what: 'Connections of each other port: metrics with probes, admin API, webhook',
    value: 256,
    unit: 'connections',
    scope: 'this replica',
    reached: "as for the agents' port",
  },
} as const satisfies Record<string, Limit>;

export type LimitReason = keyof typeof LIMITS;

/** The bounds that flags set. */
export interface Bounds {
  readonly agentsPerPod: number;
  readonly agents: number;
  readonly breakersPerPod: number;
  readonly breakers: number;
  readonly snapshots: number;
}

export const DEFAULT_BOUNDS: Bounds = {
  agentsPerPod: LIMITS['agents-of-pod'].value,
  agents: LIMITS.agents.value,
  breakersPerPod: LIMITS['breakers-of-pod'].value,
  breakers: LIMITS.breakers.value,
  snapshots: LIMITS.snapshots.value,
};

/** What somebody asked for is beyond a bound. */
export class LimitError extends Error {
  readonly reason: LimitReason;

  constructor(reason: LimitReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
