import type { OutageList as Answer, ListedOutage } from '../../src/http/admin/answers/outages.ts';
import { found } from './address.ts';
import { count, duration, plural, words } from './format.ts';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import { Nothing } from './nothing.tsx';
import { Problem } from './panel.tsx';
import { useAnswer } from './use-answer.ts';

/** Maximum number of rows. A search finds the others. */
const MAX_ROWS = 500;

const PHASE_WORDS = {
  refused: 'refused',
  testing: 'tested',
  closed: 'accepted again',
  over: 'over',
} as const;

/** The state of an outage. That calls reach the dependency by force does not mean that it is accepted again. */
export const phaseWords = ({ phase, held }: Pick<ListedOutage, 'phase' | 'held'>) =>
  phase === 'closed' && held !== undefined ? 'forced closed' : PHASE_WORDS[phase];

export const PHASE_BADGES = { refused: 'open', testing: 'half-open', closed: 'closed', over: 'none' } as const;

/** Why the first circuit opened. */
export const causeOf = ({ reason, error }: Pick<ListedOutage, 'reason' | 'error'>) =>
  `${reason === undefined ? 'open before this replica began' : words(reason)}${error === undefined ? '' : `: ${error}`}`;

/** A time in the user's time zone. */
export const clockTime = (at: number) =>
  new Date(at).toLocaleString([], {
    ...{ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    hour12: false,
  });

/** The outages of the last day. Current outages come first. */
export function OutageList() {
  const { search, namespace } = address.value;
  const query = namespace === undefined ? '' : `?namespace=${encodeURIComponent(namespace)}`;
  const { value, problem } = useAnswer<Answer>(`v1/outages${query}`);
  if (!value) return <div class="list">{problem ? <Problem text={problem} /> : <p aria-busy="true">Reading …</p>}</div>;
  const rows = value.items.filter((row) =>
    found(search, row.namespace, row.breaker, row.policy, phaseWords(row), ...row.services.map((one) => one.service)),
  );
  if (rows.length === 0) {
    return (
      <Nothing
        title="No call was refused in the last 24 hours"
        filtered={value.items.length > 0}
        hidden={`There are ${plural(value.items.length, 'outage')}.`}
      >
        As soon as a circuit opens, the outage is listed here: when it began, why, whom it hit and what it cost.
      </Nothing>
    );
  }
  return (
    <div class="list">
      <Problem text={problem} />
      <table>
        <caption>
          {rows.length > MAX_ROWS ? `The first ${MAX_ROWS} of ${count(rows.length)}` : count(rows.length)}{' '}
          {rows.length === 1 ? 'outage' : 'outages'} of the last 24 hours, as replica {store.replica} saw them
        </caption>
        <thead>
          <tr>
            <th>breaker</th>
            <th>state</th>
            <th>began</th>
            <th class="right">lasted</th>
            <th class="right">refused</th>
            <th class="right wide">agents</th>
            <th class="wide">first cause</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row) => {
            const name = `${row.namespace}/${row.id}`;
            return (
              <tr key={name}>
                <td>
                  <Link
                    to={{ outage: name, breaker: undefined, policy: undefined, agent: undefined }}
                    data-opens={name}
                  >
                    {row.namespace}/{row.breaker}
                  </Link>
                </td>
                <td>
                  <span class={`badge small ${PHASE_BADGES[row.phase]}`}>{phaseWords(row)}</span>
                  {row.held && <em class="mode"> {row.held.action} (override)</em>}
                </td>
                <td>{clockTime(row.began)}</td>
                <td class="right">{duration((row.closed ?? store.known.value) - row.began)}</td>
                <td class="right">{count(row.refused)}</td>
                <td class="right wide">
                  {row.hit} of {row.agents}
                </td>
                <td class="wide">{causeOf(row)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
