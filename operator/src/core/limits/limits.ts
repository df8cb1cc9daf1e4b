/** A limit on a resource that external callers can make grow. */
export interface Limit {
  /** The limited resource. */
  readonly what: string;
  /** Absent: the limit is fixed. */
  readonly flag?: string;
  /** The default of the flag, or the fixed limit. */
  readonly value: number;
  readonly unit: string;
  readonly scope:
    | 'a process'
    | 'a breaker'
    | 'a pod'
    | 'a caller'
    | 'an address'
    | 'a namespace'
    | 'a response'
    | 'a review'
    | 'this replica';
  /** The behaviour at the limit. */
  readonly reached: string;
}

/**
 * Every limit, keyed by the `reason` label of `fuseboard_limited_total`. docs/limits.md is generated from this table,
 * and `limits.test.ts` and `operator/test/limits.test.ts` drive each row to its limit.
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
    reached: 'the stream is refused with 503 and does not use the shared budget',
  },
  'stream-rate': {
    what: 'New streams',
    flag: '--max-streams-per-second',
    value: 500,
    unit: 'streams a second',
    scope: 'this replica',
    reached:
      'the stream is refused with 503 and Retry-After; the second half of the budget is reserved for pods that have used less than half of their own',
  },
  'agents-of-pod': {
    what: 'Known processes',
    flag: '--max-agents-per-pod',
    value: 64,
    unit: 'processes',
    scope: 'a pod',
    reached:
      'the oldest process without a stream is forgotten; if all of them have one, the stream is refused with 503',
  },
  agents: {
    what: 'Known processes, shared between namespaces and pods',
    flag: '--max-agents',
    value: 20_000,
    unit: 'processes',
    scope: 'this replica',
    reached: 'the stream is refused with 503',
  },
  'breakers-of-agent': {
    what: 'Breakers and keys of one process with a stored state; one with a long key or last error counts once more for each 256 characters of both',
    value: 2_000,
    unit: 'breakers',
    scope: 'a process',
    reached: 'calls of further breakers are counted; their state is not shown',
  },
  'breakers-of-pod': {
    what: 'Breakers and keys with a stored state',
    flag: '--max-breakers-per-pod',
    value: 4_000,
    unit: 'breakers',
    scope: 'a pod',
    reached: 'calls of further breakers are counted; their state is not shown',
  },
  breakers: {
    what: 'Breakers and keys with a stored state, shared between namespaces and pods',
    flag: '--max-breakers',
    value: 100_000,
    unit: 'breakers',
    scope: 'this replica',
    reached: 'calls of further breakers are counted; their state is not shown',
  },
  'fleet-breakers-of-namespace': {
    what: 'Breaker names under one policy, or without one, with counts for the page and the command line',
    value: 4_000,
    unit: 'names',
    scope: 'a namespace',
    reached: 'further names are counted in the metrics only',
  },
  'fleet-breakers': {
    what: 'Breaker names under one policy, or without one, with counts for the page and the command line',
    value: 20_000,
    unit: 'names',
    scope: 'this replica',
    reached: 'further names are counted in the metrics only',
  },
  'breaker-names': {
    what: 'Breaker names with their own series in the metrics',
    value: 200,
    unit: 'names',
    scope: 'a namespace',
    reached: 'further names are counted under the name `other`',
  },
  'outages-of-namespace': {
    what: 'Outages of the last day',
    value: 1_000,
    unit: 'outages',
    scope: 'a namespace',
    reached: 'the outage that ended first is removed; if none has ended, the new one is not stored',
  },
  outages: {
    what: 'Outages of the last day, shared between namespaces',
    value: 2_000,
    unit: 'outages',
    scope: 'this replica',
    reached:
      'the outage of the namespace that ended first is removed, or that of a namespace with more; if none has ended, the new one is not stored',
  },
  timelines: {
    what: 'Breakers with counts of the last hour and day, 21 kB each, shared between namespaces',
    value: 2_400,
    unit: 'breakers',
    scope: 'this replica',
    reached: 'the page has five minutes of further breakers; their outages are kept',
  },
  snapshots: {
    what: 'Different sets of policies for agents, shared between namespaces',
    flag: '--max-snapshots',
    value: 1_000,
    unit: 'sets',
    scope: 'this replica',
    reached: 'a stream that needs another set is refused with 503',
  },
  'report-rate-of-pod': {
    what: 'Parts of reports, plus one for every 2 KiB of a part, after a burst of 5 s; charged before a part is read',
    flag: '--max-reports-per-pod',
    value: 100,
    unit: 'parts a second',
    scope: 'a pod',
    reached: 'the report is refused with 503 and sent again later',
  },
  'report-rate': {
    what: 'Parts of reports, plus one for every 2 KiB of a part',
    flag: '--max-reports-per-second',
    value: 5_000,
    unit: 'parts a second',
    scope: 'this replica',
    reached:
      'the report is refused with 503; the second half of the budget is reserved for pods that have used less than half of their own',
  },
  'reports-of-pod': {
    what: 'Parts of reports that are being read',
    flag: '--max-streams-per-pod',
    value: 64,
    unit: 'parts',
    scope: 'a pod',
    reached: 'the report is refused with 503 and sent again later',
  },
  'report-bytes': {
    what: 'Bytes of reports that are being read, shared between namespaces and pods',
    value: 16,
    unit: 'MiB',
    scope: 'this replica',
    reached: 'the report is refused with 503 and sent again later',
  },
  'guarded-of-agent': {
    what: 'Policies and overrides in a report that the code of the service limits',
    value: 100,
    unit: 'entries',
    scope: 'a process',
    reached: 'the report is refused with 400; agents leave out further entries',
  },
  'calls-of-report': {
    what: 'Calls that one breaker counts between two reports',
    value: 2 ** 32,
    unit: 'calls',
    scope: 'a breaker',
    reached: 'none of the calls of that breaker in that report is counted',
  },
  'catch-ups': {
    what: 'Reads of all policies because an agent has seen newer versions',
    value: 1,
    unit: 'a second, one at a time',
    scope: 'this replica',
    reached: 'the stream waits for the next read, together with other waiting streams',
  },
  'log-lines-of-pod': {
    what: 'Log lines about what agents report, after a burst of 20',
    value: 1,
    unit: 'lines a second',
    scope: 'a pod',
    reached: 'the line is not written; counts, status and Events show the change',
  },
  'log-lines': {
    what: 'Log lines about what agents report',
    value: 50,
    unit: 'lines a second',
    scope: 'this replica',
    reached: 'the line is not written; counts, status and Events show the change',
  },
  reviews: {
    what: 'Admission reviews that the webhook reads or answers, shared between addresses',
    value: 128,
    unit: 'reviews',
    scope: 'this replica',
    reached: 'the review is refused with 503; the API server creates the pod without injection',
  },
  'review-bytes': {
    what: 'Bytes of admission reviews that are being read or answered; one address has at most as many as are free',
    value: 16,
    unit: 'MiB',
    scope: 'this replica',
    reached: 'the review is refused with 503; the API server creates the pod without injection',
  },
  'values-of-review': {
    what: 'Values in an admission review',
    value: 200_000,
    unit: 'values',
    scope: 'a review',
    reached: 'the review is refused with 413; the API server creates the pod without injection',
  },
  'review-log-lines': {
    what: 'Log lines about admission reviews; an address has half of them',
    value: 20,
    unit: 'lines a second',
    scope: 'this replica',
    reached: 'the line is not written',
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
  'connections-of-address': {
    what: 'Connections of one port from one address, of the connections of that port',
    value: 50,
    unit: '%',
    scope: 'an address',
    reached:
      'the oldest idle connection of the address is closed, and the new one is accepted; if none is idle, the new one is closed',
  },
  connections: {
    what: "Connections of the agents' port",
    flag: '--max-connections',
    value: 20_000,
    unit: 'connections',
    scope: 'this replica',
    reached:
      'the oldest idle connection of the address with the most idle connections is closed, and the new one is accepted; if none is idle, the new one is closed',
  },
  'other-connections': {
    what: 'Connections of each other port: metrics with probes, admin API, webhook',
    value: 256,
    unit: 'connections',
    scope: 'this replica',
    reached: "as for the agents' port",
  },
  'unread-time': {
    what: 'Time without progress of the reader of a response, beyond one second for each 64 kB of it',
    value: 30,
    unit: 'seconds',
    scope: 'a response',
    reached: 'the response is cut',
  },
  'unread-bytes': {
    what: 'Bytes of responses that their readers have not taken, for each port but that of the agents',
    value: 16,
    unit: 'MiB',
    scope: 'this replica',
    reached:
      'the longest response that is unread for a second, of the address with the most unread bytes, is cut; a single one is not',
  },
} as const satisfies Record<string, Limit>;

export type LimitReason = keyof typeof LIMITS;

/** The limits that flags set. */
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

/** A request was refused because of a limit. */
export class LimitError extends Error {
  readonly reason: LimitReason;

  constructor(reason: LimitReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
