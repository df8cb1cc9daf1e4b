import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import type { PolicyRow } from '../../src/core/views/policy-row.ts';
import type { HistoryAnswer } from '../../src/http/admin/answers/history.ts';
import type { TimelineAnswer } from '../../src/http/admin/answers/timeline.ts';
import { plural } from './format.ts';
import { LatencyChart } from './latency-chart.tsx';
import { address } from './model.ts';
import { ACTION_WORDS, overridesOf } from './overrides.ts';
import { Block, Problem } from './panel.tsx';
import { MarkList, ZoomTools } from './plot-tools.tsx';
import { columnOf, type Mark, RateChart, type Series } from './rate-chart.tsx';
import { SeriesTable } from './series-table.tsx';
import { useAnswer } from './use-answer.ts';
import type { Range } from './zoom.ts';

interface Props {
  readonly row: BreakerRow;
  readonly policy: PolicyRow | undefined;
  readonly range: Exclude<Range, '5m'>;
}

/** The last hour or day of a breaker: its calls, states and latencies, and what was done to it. */
export function BreakerTimeline({ row, policy, range }: Props) {
  const { namespace, breaker, uid } = row;
  const query = new URLSearchParams({ range, ...(uid !== undefined && { uid }) });
  const path = `v1/breakers/${namespace}/${encodeURIComponent(breaker)}/timeline?${query}`;
  const { value, problem } = useAnswer<TimelineAnswer>(path, range === '1h' ? 5_000 : 30_000);
  const edits = useEdits(policy);
  const { zoom } = address.value;
  if (!value) return problem === undefined ? <p aria-busy="true">Reading …</p> : <Problem text={problem} />;
  const { series, latency } = value;
  const until = series.begin + (series.values.length / series.columns.length) * series.slotMs;
  const whole = { from: series.begin, until };
  const marks = [...edits, ...overrideMarks(namespace, breaker), ...restarts(series)].filter(
    ({ at }) => at >= series.begin && at <= until,
  );
  return (
    <>
      <Problem text={problem} />
      <ZoomTools whole={whole} />
      <RateChart series={series} marks={marks} zoom={zoom ?? whole} />
      <p class="more">
        The band below the plot: red where a circuit was open, yellow where one was half-open. Select a part of the plot
        to see it closer.
      </p>
      <MarkList marks={marks} />
      <Block title="Latency, the upper end of each step">
        <LatencyChart latencies={latency} zoom={zoom ?? whole} />
      </Block>
      <SeriesTable series={series} />
    </>
  );
}

/** The edits of a policy, if the operator stores a history. */
function useEdits(policy: PolicyRow | undefined): Mark[] {
  const path = policy && `v1/policies/${policy.namespace}/${encodeURIComponent(policy.name)}/history`;
  const { value } = useAnswer<HistoryAnswer>(path, 10_000);
  return (value?.items ?? []).map(({ at, revision, changes }) => ({
    at,
    kind: 'edit',
    text: `revision ${revision} of the policy${changes.length > 0 ? `: ${changes.map(({ field }) => field).join(', ')}` : ''}`,
  }));
}

/** The starts of the overrides of a breaker. */
const overrideMarks = (namespace: string, breaker: string): Mark[] =>
  overridesOf(namespace, breaker).map(({ createdAt, action, createdBy, reason }) => ({
    at: createdAt,
    kind: 'override',
    text: [action && ACTION_WORDS[action], createdBy && `by ${createdBy}`, reason && `(${reason})`]
      .filter((part) => part)
      .join(' '),
  }));

/** The slots in which agents began to report the breaker. */
function restarts(series: Series): Mark[] {
  return columnOf(series, 'started').flatMap((started, slot) =>
    started > 0
      ? [
          {
            at: series.begin + slot * series.slotMs,
            kind: 'restart' as const,
            text: `${plural(started, 'agent')} started`,
          },
        ]
      : [],
  );
}
