import type { PolicyAgents, PolicyDetail } from '../../src/http/admin/answers/policies.ts';
import { Changes } from './changes.tsx';
import { count, duration, words } from './format.ts';
import { tone } from './glance.tsx';
import { Link } from './link.tsx';
import { store } from './model.ts';
import { Block, Panel, Problem } from './panel.tsx';
import { PolicyHistory } from './policy-history.tsx';
import { rankOf, worse } from './reading.ts';
import { STATE_WORDS } from './tile.tsx';
import { useAnswer } from './use-answer.ts';
import { yaml } from './yaml.ts';

/** The panel of one policy: its spec, conditions, rollout and breakers. */
export function PolicyPanel({ name }: { name: string }) {
  const [namespace = '', own = ''] = name.split('/');
  const path = `v1/policies/${encodeURIComponent(namespace)}/${encodeURIComponent(own)}`;
  const { value, problem } = useAnswer<PolicyDetail>(path);
  const row = [...store.policies.value.values()].find((one) => one.namespace === namespace && one.name === own);
  void store.ranked.value;
  const cells = [...store.cells.values()].filter((cell) => row && cell.row.value.uid === row.uid);
  const rows = cells.map((cell) => cell.row.value).sort(worse);
  const changes = rows.flatMap(({ breaker, changes: all }) => all.map((change) => ({ ...change, breaker })));
  return (
    <Panel title={name} kind="policy">
      <Problem text={problem} />
      {row && (
        <p class="lead">
          <span class={`badge ${tone(row.rollout) || 'closed'}`}>{words(row.rollout)}</span> {row.message}
        </p>
      )}
      {value?.problems.length ? (
        <Block title="What is wrong with it">
          <ul>
            {value.problems.map(({ field, message }) => (
              <li key={field + message}>
                <code>{field}</code>: {message}
              </li>
            ))}
          </ul>
        </Block>
      ) : null}
      {rows.length > 0 && (
        <Block title="Its breakers">
          <ul class="plain">
            {rows.map((one) => (
              <li key={one.id}>
                <span class={`badge small ${rankOf(one)}`}>{STATE_WORDS[rankOf(one)]}</span>{' '}
                <Link to={{ breaker: one.id, policy: undefined }}>{one.breaker}</Link>{' '}
                {duration(store.now.value - one.since)}
              </li>
            ))}
          </ul>
        </Block>
      )}
      {value && (
        <>
          <Block title="Conditions">
            <table>
              <thead>
                <tr>
                  <th>condition</th>
                  <th>status</th>
                  <th>why</th>
                </tr>
              </thead>
              <tbody>
                {(value.status.conditions ?? []).map(({ type, status, reason, message }) => (
                  <tr key={type}>
                    <td>{type}</td>
                    <td>
                      <span class={`word ${status === 'True' ? 'closed' : status === 'False' ? 'open' : 'half-open'}`}>
                        {status}
                      </span>
                    </td>
                    <td>
                      <b>{reason}</b>
                      <br />
                      {message}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Block>
          <Block title={`Spec${value.generation > 0 ? `, generation ${value.generation}` : ''}`}>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
            <pre class="spec" tabIndex={0}>
              {yaml(value.spec).trimStart()}
            </pre>
          </Block>
        </>
      )}
      <PolicyHistory key={path} path={path} policy={name} spec={value?.spec} />
      <Holders path={`${path}/agents`} namespace={namespace} />
      <Block title="What happened">
        <Changes changes={changes.sort((a, b) => a.at - b.at).slice(-30)} />
      </Block>
    </Panel>
  );
}

const HAS = {
  current: ['closed', 'has it'],
  older: ['half-open', 'has an older version'],
  none: ['half-open', 'has none yet'],
  rejected: ['open', 'cannot use it'],
  held: ['half-open', 'keeps the last good version'],
} as const;

function Holders({ path, namespace }: { path: string; namespace: string }) {
  const { value, problem } = useAnswer<PolicyAgents>(path);
  return (
    <Block title="Who has it">
      <Problem text={problem} />
      {value?.total === 0 && <p class="more">No agent of this replica is selected.</p>}
      {value !== undefined && value.total > 0 && (
        <table>
          <thead>
            <tr>
              <th>agent</th>
              <th>version</th>
              <th class="right">heard</th>
            </tr>
          </thead>
          <tbody>
            {value.items.map((agent) => (
              <tr key={agent.boot}>
                <td>
                  <Link to={{ policy: undefined, agent: `${namespace}/${agent.boot}` }}>{agent.instance}</Link>
                </td>
                <td>
                  <span class={`word ${HAS[agent.has][0]}`}>{HAS[agent.has][1]}</span>
                  {agent.generation !== undefined && agent.generation > 0 && ` (${agent.generation})`}
                  {agent.guarded && `, within limits of its code: ${agent.guarded.join(', ')}`}
                  {agent.rejection && (
                    <>
                      : <code>{agent.rejection.field}</code> {agent.rejection.message}
                    </>
                  )}
                </td>
                <td class="right">
                  {agent.state === 'live' ? '' : `${agent.state}, `}
                  {duration(agent.silentMs)} ago
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {value !== undefined && value.total > value.items.length && (
        <p class="more">
          The first {value.items.length} of {count(value.total)}.
        </p>
      )}
    </Block>
  );
}
