/** A query, and what Grafana calls each of its series. */
interface Target {
  readonly expr: string;
  readonly legend?: string;
}

export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly type?: 'stat' | 'timeseries' | 'table';
  readonly unit?: string;
  /** Of 24. Absent: 8. */
  readonly width?: number;
  /** From this value on a stat is shown as bad; absent for numbers that are neither good nor bad. */
  readonly badFrom?: number;
  readonly stacked?: boolean;
  readonly targets: readonly Target[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const IN_NAMESPACE = 'namespace=~"$namespace"';
export const OF_POLICY = `${IN_NAMESPACE}, policy=~"$policy"`;
/** Services may show metrics of the same names, which have no policy. */
const OF_BREAKER = `${OF_POLICY}, breaker=~"$breaker", policy!=""`;
/** Other controllers show metrics of the same names. */
const OURS = ' and on (instance) fuseboard_source_synced';
const by = (labels: string, expr: string) => `sum by (${labels}) (${expr})`;
const rate = (metric: string, matchers = '') => `rate(${metric}${matchers && `{${matchers}}`}[$__rate_interval])`;
const quantile = (q: number, labels: string, metric: string, matchers = '') =>
  `histogram_quantile(${q}, ${by(['le', labels].filter(Boolean).join(', '), rate(`${metric}_bucket`, matchers))})`;
const calls = (outcome: string) => by('breaker', rate('fuseboard_calls_total', `${OF_BREAKER}, outcome=~"${outcome}"`));

/** What the dashboard shows. Every query has an answer wherever the operator is scraped and some call was made. */
export const ROWS: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      {
        ...{ title: 'Open breakers', type: 'stat', width: 4, badFrom: 1 },
        description: 'Breakers that reject calls now, each counted once for each process.',
        targets: [{ expr: `sum(fuseboard_breakers{${OF_BREAKER}, state="open"})` }],
      },
      {
        ...{ title: 'Connected agents', type: 'stat', width: 4 },
        description: 'Processes that have a stream to the operator.',
        targets: [{ expr: `sum(fuseboard_connected_agents{${IN_NAMESPACE}})` }],
      },
      {
        ...{ title: 'Agents behind', type: 'stat', width: 4, badFrom: 1 },
        description: 'Processes that have not said yet that they run what they should.',
        targets: [{ expr: `sum(fuseboard_agents_behind{${IN_NAMESPACE}})` }],
      },
      {
        ...{ title: 'Policies', type: 'stat', width: 4 },
        description: 'Policies by what became of them; replicas see the same ones.',
        targets: [
          {
            expr: `sum by (accepted) (max by (namespace, accepted) (fuseboard_policies{${IN_NAMESPACE}}))`,
            legend: '{{accepted}}',
          },
        ],
      },
      {
        ...{ title: 'Leaders', type: 'stat', width: 4 },
        description: 'Replicas that write status and Events: one.',
        targets: [{ expr: 'sum(leader_election_master_status{name="fuseboard"})' }],
      },
      {
        ...{ title: 'Replicas that cannot read policies', type: 'stat', width: 4, badFrom: 1 },
        description: 'They serve what they know; edits do not reach their agents.',
        targets: [{ expr: 'sum(fuseboard_source_outage)' }],
      },
    ],
  },
  {
    title: 'Breakers',
    panels: [
      {
        title: 'Breakers that are open or probe',
        description: 'By name, over all processes.',
        stacked: true,
        targets: [
          {
            expr: by('policy, breaker, state', `fuseboard_breakers{${OF_BREAKER}, state=~"open|half-open"}`),
            legend: '{{breaker}} {{state}}',
          },
        ],
      },
      {
        title: 'Breakers by state',
        description: 'Each breaker of each process is in one state.',
        stacked: true,
        targets: [{ expr: by('state', `fuseboard_breakers{${OF_BREAKER}}`), legend: '{{state}}' }],
      },
      {
        title: 'Changes of state',
        description: 'How often breakers entered a state, a second.',
        unit: 'ops',
        targets: [
          { expr: by('breaker, to', rate('fuseboard_transitions_total', OF_BREAKER)), legend: '{{breaker}} to {{to}}' },
        ],
      },
    ],
  },
  {
    title: 'Calls',
    panels: [
      {
        title: 'Calls by how they ended',
        description: 'As agents reported them, about 10 s late.',
        ...{ unit: 'reqps', stacked: true },
        targets: [{ expr: by('outcome', rate('fuseboard_calls_total', OF_BREAKER)), legend: '{{outcome}}' }],
      },
      {
        title: 'Failures',
        description: 'The share of failed calls among those that succeeded or failed.',
        unit: 'percentunit',
        targets: [{ expr: `${calls('failed')} / (${calls('succeeded|failed')} > 0)`, legend: '{{breaker}}' }],
      },
      {
        title: 'Not permitted',
        description: 'Calls that were rejected, and those that passed only because of mode Shadow.',
        unit: 'reqps',
        targets: [
          { expr: calls('rejected'), legend: '{{breaker}}' },
          {
            expr: by('breaker', rate('fuseboard_shadow_rejected_calls_total', OF_BREAKER)),
            legend: '{{breaker}} in shadow',
          },
        ],
      },
      {
        title: 'Duration of calls',
        description: 'Median and 99th percentile, from buckets that double from 0.125 ms on.',
        unit: 's',
        targets: [
          { expr: quantile(0.5, 'breaker', 'fuseboard_call_duration_seconds', OF_BREAKER), legend: '{{breaker}} p50' },
          { expr: quantile(0.99, 'breaker', 'fuseboard_call_duration_seconds', OF_BREAKER), legend: '{{breaker}} p99' },
        ],
      },
      {
        title: 'Slow and timed out',
        description: 'Calls that took longer than the policy calls slow, or were given up after its timeout.',
        unit: 'reqps',
        targets: [
          { expr: by('breaker', rate('fuseboard_slow_calls_total', OF_BREAKER)), legend: '{{breaker}} slow' },
          { expr: by('breaker', rate('fuseboard_timed_out_calls_total', OF_BREAKER)), legend: '{{breaker}} timed out' },
        ],
      },
      {
        title: 'Retries and fallbacks',
        description: 'Further attempts at calls, and calls that were answered by a fallback.',
        unit: 'reqps',
        targets: [
          { expr: by('breaker', rate('fuseboard_retried_calls_total', OF_BREAKER)), legend: '{{breaker}} retried' },
          { expr: by('breaker', rate('fuseboard_fallback_calls_total', OF_BREAKER)), legend: '{{breaker}} fallback' },
        ],
      },
    ],
  },
  {
    title: 'Policies and agents',
    panels: [
      {
        title: 'From apply to applied',
        description:
          'From when the operator saw a change until an agent ran it. No value where nothing was changed. The 100 ms in which changes are gathered are in it.',
        unit: 's',
        targets: [
          { expr: quantile(0.5, '', 'fuseboard_apply_duration_seconds'), legend: 'p50' },
          { expr: quantile(0.99, '', 'fuseboard_apply_duration_seconds'), legend: 'p99' },
        ],
      },
      {
        title: 'Longest lag',
        description: 'For how long the agent that is behind longest has been so.',
        unit: 's',
        targets: [
          { expr: `max by (namespace) (fuseboard_revision_lag_seconds{${IN_NAMESPACE}})`, legend: '{{namespace}}' },
        ],
      },
      {
        title: 'Agents',
        description: 'Live ones report; stale ones have been silent for 30 s, gone ones for 60 s.',
        stacked: true,
        targets: [{ expr: by('state', `fuseboard_agents{${IN_NAMESPACE}}`), legend: '{{state}}' }],
      },
      {
        title: 'Agents by version',
        description: 'Language and version of the agents, as they say; rare versions are together under other.',
        stacked: true,
        targets: [{ expr: by('language, version', 'fuseboard_agent_versions'), legend: '{{language}} {{version}}' }],
      },
      {
        ...{ title: 'Who has which policy', type: 'table', width: 12 },
        description: 'Agents that should have a policy, and what they made of it.',
        targets: [{ expr: by('namespace, policy, state', `fuseboard_policy_agents{${OF_POLICY}}`) }],
      },
      {
        title: 'Agents that are refused',
        description: 'Because of who they are, and because there were too many at once.',
        ...{ unit: 'reqps', width: 12 },
        targets: [
          { expr: by('reason', rate('fuseboard_agents_denied_total')), legend: '{{reason}}' },
          { expr: by('reason', rate('fuseboard_streams_refused_total')), legend: '503 {{reason}}' },
        ],
      },
    ],
  },
  {
    title: 'Operator',
    panels: [
      {
        title: 'Waiting work',
        description: 'Items in the queues: changes of policies, statuses to work out, writes to the API server.',
        targets: [{ expr: by('name', `workqueue_depth${OURS}`), legend: '{{name}}' }],
      },
      {
        title: 'Duration of work',
        description: '99th percentile of a round of each loop, and of a write.',
        unit: 's',
        targets: [
          {
            expr: `histogram_quantile(0.99, ${by('le, controller', `${rate('controller_runtime_reconcile_time_seconds_bucket')}${OURS}`)})`,
            legend: '{{controller}}',
          },
        ],
      },
      {
        title: 'Rounds and writes by result',
        description: 'Errors among the writes are tried again.',
        unit: 'ops',
        targets: [
          {
            expr: by('controller, result', `${rate('controller_runtime_reconcile_total')}${OURS}`),
            legend: '{{controller}} {{result}}',
          },
        ],
      },
      {
        title: 'Requests to the API server',
        description: 'By the status of the answer; <error> stands for none.',
        unit: 'reqps',
        targets: [
          {
            expr: by('method, code', `${rate('rest_client_requests_total')}${OURS}`),
            legend: '{{method}} {{code}}',
          },
        ],
      },
      {
        title: 'Traffic with agents',
        description: 'Parts of reports that came in, and sets of policies that went out.',
        unit: 'ops',
        targets: [
          { expr: by('result', rate('fuseboard_reports_total')), legend: 'reports {{result}}' },
          { expr: `sum(${rate('fuseboard_commits_total')})`, legend: 'sets of policies' },
        ],
      },
      {
        title: 'Memory and event loop',
        description: 'Resident memory of each replica, and how late its event loop is (right axis).',
        unit: 'bytes',
        targets: [
          { expr: `process_resident_memory_bytes${OURS}`, legend: '{{instance}}' },
          {
            expr: `nodejs_eventloop_lag_p99_seconds${OURS}`,
            legend: '{{instance}} lag',
          },
        ],
      },
    ],
  },
];
