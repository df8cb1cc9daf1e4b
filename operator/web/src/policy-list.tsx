import { ROLLOUT_STATES } from '../../src/core/fleet/rollout-state.ts';
import { found } from './address.ts';
import { words } from './format.ts';
import { tone } from './glance.tsx';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import { Nothing } from './nothing.tsx';
import { conditions } from './reading.ts';

/** Maximum number of rows. A search finds the others. */
const MAX_ROWS = 500;

/** Every policy. Policies that are not in force everywhere come first. */
export function PolicyList() {
  const { search } = address.value;
  const all = [...store.policies.value.values()];
  const rows = all
    .filter((row) => found(search, row.namespace, row.name, words(row.rollout), row.mode, ...row.breakers))
    .sort(
      (a, b) =>
        ROLLOUT_STATES.indexOf(a.rollout) - ROLLOUT_STATES.indexOf(b.rollout) ||
        (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1),
    );
  if (rows.length === 0) {
    return (
      <Nothing title="There is no policy yet" filtered={all.length > 0} hidden={`${all.length} policies are there.`}>
        kubectl apply one, or put a file into the folder of policies.
      </Nothing>
    );
  }
  return (
    <div class="list">
      <table>
        <caption>
          {rows.length > MAX_ROWS
            ? `The first ${MAX_ROWS} of ${rows.length} policies; search for the others`
            : rows.length === 1
              ? '1 policy'
              : `${rows.length} policies`}
        </caption>
        <thead>
          <tr>
            <th>policy</th>
            <th>roll-out</th>
            <th class="right">agents</th>
            <th class="wide">breakers</th>
            <th class="wide">opens at</th>
            <th class="wide">mode</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row) => {
            const name = `${row.namespace}/${row.name}`;
            return (
              <tr key={row.uid}>
                <td>
                  <Link to={{ policy: name, breaker: undefined, agent: undefined }} data-opens={name}>
                    {name}
                  </Link>
                </td>
                <td title={row.message}>
                  <span
                    class={`badge small ${tone(row.rollout) || (row.rollout === 'Programmed' ? 'closed' : 'none')}`}
                  >
                    {words(row.rollout)}
                  </span>
                </td>
                <td class="right">{row.agents?.summary ?? '–'}</td>
                <td class="wide">{row.breakers.join(', ')}</td>
                <td class="wide">{row.thresholds ? conditions(row.thresholds).join(', or ') : '–'}</td>
                <td class="wide">{row.mode}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
