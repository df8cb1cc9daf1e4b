import type { OutageDetail } from '../../src/http/admin/answers/outages.ts';
import { count } from './format.ts';
import { Link } from './link.tsx';
import { address } from './model.ts';
import { causeOf, clockTime, PHASE_BADGES, phaseWords } from './outage-list.tsx';
import { ACTION_WORDS } from './overrides.ts';
import { Block, Panel, Problem } from './panel.tsx';
import { MarkList, ZoomTools } from './plot-tools.tsx';
import { type Mark, RateChart } from './rate-chart.tsx';
import { SeriesTable } from './series-table.tsx';
import { useAnswer } from './use-answer.ts';

/** The panel of one outage: its plot, cause, effect, affected agents and overrides. */
export function OutagePanel({ name }: { name: string }) {
  const [namespace, ...rest] = name.split('/');
  const path = `v1/outages/${namespace}/${encodeURIComponent(rest.join('/'))}`;
  const { value, problem, status } = useAnswer<OutageDetail>(path);
  if (!value) {
    return (
      <Panel title={status === 404 ? 'Not known' : 'Outage'} kind="outage">
        {problem === undefined ? <p aria-busy="true">Reading …</p> : <Problem text={problem} />}
      </Panel>
    );
  }
  return <Known detail={value} />;
}

function Known({ detail: { outage, series } }: { detail: OutageDetail }) {
  const { breaker, phase, sentence, began, closed, instance, refused, fallback, attempts, reopened } = outage;
  const facts: [string, string][] = [
    ['began', clockTime(began)],
    ['last closed', closed === undefined ? 'not yet' : clockTime(closed)],
    ['calls refused', count(refused)],
    ['refused or failed calls answered by the fallback', count(fallback)],
    ['attempts to recover, all agents', count(attempts)],
    ['of them failed', count(reopened)],
  ];
  const marks: Mark[] = outage.actions.map(({ at, action, by, reason }) => ({
    at,
    kind: 'override',
    text: `${ACTION_WORDS[action]}${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : ` (${reason})`}`,
  }));
  return (
    <Panel title={breaker} kind="outage">
      <p class="lead">
        <span class={`badge ${PHASE_BADGES[phase]}`}>{phaseWords(outage)}</span> {sentence}.
      </p>
      <p>
        First cause: <b>{causeOf(outage)}</b>, on {instance}.
      </p>
      <Block title="What happened">
        <RateChart series={series} marks={marks} zoom={address.value.zoom} />
        <p class="more">
          The band below the plot: red where a circuit was open, yellow where one was half-open. Select a part of the
          plot to see it closer.
        </p>
        <ZoomTools
          whole={{
            from: series.begin,
            until: series.begin + (series.values.length / series.columns.length) * series.slotMs,
          }}
        />
      </Block>
      <Block title="What it cost">
        <dl class="facts">
          {facts.map(([fact, text]) => (
            <div key={fact}>
              <dt>{fact}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      </Block>
      <Block title="Whom it hit">
        <ul class="plain">
          {outage.services.map(({ service, hit, agents }) => (
            <li key={service}>
              <b>{service}</b>: {hit} of {agents} agents
            </li>
          ))}
        </ul>
      </Block>
      <Block title="Who acted">
        {marks.length === 0 ? <p class="more">Nobody overrode the breaker.</p> : <MarkList marks={marks} />}
      </Block>
      <p>
        <Link to={{ view: 'board', breaker: outage.circuit, outage: undefined, policy: undefined }}>
          The breaker {breaker} now
        </Link>
      </p>
      <Block title="The same in numbers">
        <SeriesTable series={series} />
      </Block>
    </Panel>
  );
}
