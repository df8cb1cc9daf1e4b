/** A limit on a collection in memory that callers can fill. No request is refused when it is full. */
export interface CacheLimit {
  /** What the entries are. */
  readonly what: string;
  readonly entries: number;
  readonly scope: 'a process' | 'a namespace' | 'an outage' | 'a snapshot' | 'this replica';
  /** What happens when one entry more is added. */
  readonly full: string;
}

/**
 * Every such limit. docs/limits.md is generated from this table, and `operator/test/cache-limits.test.ts` fills each
 * collection.
 */
export const CACHE_LIMITS = {
  'reviewed-tokens': {
    what: 'Tokens of agents that were valid or are under review',
    entries: 20_000,
    scope: 'this replica',
    full: 'the token with the oldest review is removed, and reviewed again when it is used',
  },
  'refused-tokens': {
    what: 'Tokens of agents that were refused; the refusal is repeated for 14 s',
    entries: 5_000,
    scope: 'this replica',
    full: 'the oldest refusal is removed; the token is reviewed again, within the limit of invalid tokens',
  },
  'token-payers': {
    what: 'Addresses and accounts whose unknown tokens were reviewed, each with its budget of invalid tokens',
    entries: 10_000,
    scope: 'this replica',
    full: 'the one that was used least recently is removed; its budget is full again',
  },
  'rate-budgets': {
    what: 'Pods with a budget of streams, of reports, or of log lines; each of the three has this limit',
    entries: 50_000,
    scope: 'this replica',
    full: 'the pod that was used least recently is removed; its budget is full again',
  },
  'admin-reviews': {
    what: 'Tokens of users of the admin API, and decisions about what they may do; each of the two has this limit',
    entries: 5_000,
    scope: 'this replica',
    full: 'the oldest answer is removed, and the API server is asked again',
  },
  'restore-lags': {
    what: 'Pods that have seen newer policies than the API server shows',
    entries: 20_000,
    scope: 'a namespace',
    full: 'the pod that has not connected for the longest time is removed; its wait for `--restore-after` starts again',
  },
  audiences: {
    what: 'Label sets with a cached snapshot',
    entries: 1_000,
    scope: 'a namespace',
    full: 'the oldest snapshot is removed, and computed again when it is used',
  },
  'shared-labels': {
    what: 'Label sets that agents share in memory',
    entries: 1_000,
    scope: 'this replica',
    full: 'agents that connect later share no labels with the agents before them',
  },
  'pending-changes': {
    what: 'Changes that a process has not applied yet, for the metric of the delay',
    entries: 8,
    scope: 'a process',
    full: 'the newest change takes the place of the one before it',
  },
  'encoded-commits': {
    what: 'Encoded events, one for each snapshot that agents had before',
    entries: 4,
    scope: 'a snapshot',
    full: 'the oldest is removed, and encoded again when it is used',
  },
  'outage-labels': {
    what: 'Label sets of agents whose circuit opened in an outage',
    entries: 100,
    scope: 'an outage',
    full: 'overrides that select none of these agents are not shown with the outage',
  },
  'outage-actions': {
    what: 'Overrides that were created during an outage',
    entries: 20,
    scope: 'an outage',
    full: 'further overrides are not shown with the outage',
  },
  'outage-services': {
    what: 'Services whose calls are rejected in an outage',
    entries: 10,
    scope: 'an outage',
    full: 'the services with the fewest agents are not named',
  },
  'library-versions': {
    what: 'Versions of the agent library with their own series in the metrics',
    entries: 20,
    scope: 'this replica',
    full: 'the rarest versions are counted together as `other`',
  },
  'event-subjects': {
    what: 'Policies and overrides whose Events are counted',
    entries: 10_000,
    scope: 'this replica',
    full: 'the one without an occurrence for the longest time is removed; its next occurrence creates a new Event',
  },
} as const satisfies Record<string, CacheLimit>;
