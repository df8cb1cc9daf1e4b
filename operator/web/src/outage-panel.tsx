import { SERIES_COLUMNS } from '../../src/core/outages/series.ts';
import type { OutageDetail } from '../../src/http/admin/answers/outages.ts';
import { count, duration } from './format.ts';
import { Link } from './link.tsx';
import { OutageChart } from './outage-chart.tsx';
import { causeOf, clockTime, PHASE_BADGES, PHASE_WORDS } from './outage-list.tsx';
import { ACTION_WORDS } from './overrides.ts';
import { Block, Panel, Problem } from './panel.tsx';
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
    ['answered by the fallback', count(fallback)],
    ['attempts to recover, all agents', count(attempts)],
    ['of them failed', count(reopened)],
  ];
  return (
    <Panel title={breaker} kind="outage">
      <p class="lead">
        <span class={`badge ${PHASE_BADGES[phase]}`}>{PHASE_WORDS[phase]}</span> {sentence}.
      </p>
      <p>
        First cause: <b>{causeOf(outage)}</b>, on {instance}.
      </p>
      <Block title="What happened">
        <OutageChart series={series} />
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
        {outage.actions.length === 0 ? (
          <p class="more">Nobody overrode the breaker.</p>
        ) : (
          <ul class="plain">
            {outage.actions.map(({ uid, at, action, by, reason }) => (
              <li key={uid}>
                {clockTime(at)}: <b>{ACTION_WORDS[action]}</b> {by !== undefined && `by ${by}`}
                {reason !== undefined && `: ${reason}`}
              </li>
            ))}
          </ul>
        )}
      </Block>
      <p>
        <Link to={{ view: 'board', breaker: outage.circuit, outage: undefined, policy: undefined }}>
          The breaker {breaker} now
        </Link>
      </p>
      <Block title="The same in numbers">
        <details>
          <summary>Calls by time</summary>
          <Numbers series={series} />
        </details>
      </Block>
    </Panel>
  );
}

/** Maximum number of table rows. Slots are summed to stay below it. */
const MAX_ROWS = 30;
const TABLE = ['calls', 'failed', 'rejected', 'fallback'] as const;

function Numbers({ series: { begin, slotMs, values } }: Pick<OutageDetail, 'series'>) {
  const width = SERIES_COLUMNS.length;
  const slots = values.length / width;
  const each = Math.ceil(slots / MAX_ROWS);
  const rows = Array.from({ length: Math.ceil(slots / each) }, (_, row) => {
    const of = (name: (typeof TABLE)[number]) => {
      let sum = 0;
      for (let slot = row * each; slot < Math.min(slots, (row + 1) * each); slot += 1) {
        sum += values[slot * width + SERIES_COLUMNS.indexOf(name)]!;
      }
      return sum;
    };
    return { at: begin + row * each * slotMs, counts: TABLE.map(of) };
  });
  return (
    <table>
      <caption>Each row is {duration(each * slotMs)}</caption>
      <thead>
        <tr>
          <th>from</th>
          <th class="right">calls</th>
          <th class="right">failed</th>
          <th class="right">refused</th>
          <th class="right">by fallback</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ at, counts }) => (
          <tr key={at}>
            <td>{clockTime(at)}</td>
            {counts.map((sum, i) => (
              <td key={TABLE[i]} class="right">
                {count(sum)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
