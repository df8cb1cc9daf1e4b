import { libraryOf } from '../../src/core/views/agent-library.ts';
import type { AgentList as Answer } from '../../src/http/admin/answers/agents.ts';
import { count, duration, plural } from './format.ts';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import { Nothing } from './nothing.tsx';
import { Problem } from './panel.tsx';
import { useAnswer } from './use-answer.ts';

/** Maximum number of rows. A search finds the others. */
const MAX_ROWS = 300;

/** The agents of this replica. */
export function AgentList() {
  const { search, namespace } = address.value;
  const query = new URLSearchParams();
  if (search.trim() !== '') query.set('search', search.trim());
  if (namespace !== undefined) query.set('namespace', namespace);
  const { value, problem } = useAnswer<Answer>(`v1/agents?${query}`, 3_000);
  if (!value) return <div class="list">{problem ? <Problem text={problem} /> : <p aria-busy="true">Reading …</p>}</div>;
  if (value.total === 0) {
    return (
      <Nothing
        title="No agent has connected yet"
        hidden="Agents are searched by namespace, service, instance, labels, state, language and version."
      >
        Set FUSEBOARD_URL in a service that uses the library; it connects at its first getBreaker.
      </Nothing>
    );
  }
  return (
    <div class="list">
      <Problem text={problem} />
      <table>
        <caption>
          {value.total > MAX_ROWS
            ? `The first ${count(MAX_ROWS)} of ${plural(value.total, 'agent')}; search for the others`
            : plural(value.total, 'agent')}{' '}
          of replica {store.replica}
        </caption>
        <thead>
          <tr>
            <th>agent</th>
            <th class="wide">service</th>
            <th class="wide">library</th>
            <th>state</th>
            <th>policies</th>
            <th class="right wide">breakers</th>
            <th class="right">not closed</th>
          </tr>
        </thead>
        <tbody>
          {value.items.slice(0, MAX_ROWS).map((agent) => {
            const name = `${agent.namespace}/${agent.boot}`;
            const unwell = agent.breakers.filter(({ state }) => state !== 'closed').length;
            return (
              <tr key={name}>
                <td>
                  <Link to={{ agent: name, policy: undefined, breaker: undefined }} data-opens={name}>
                    {agent.namespace}/{agent.instance}
                  </Link>
                </td>
                <td class="wide">{agent.service}</td>
                <td class="wide">{libraryOf(agent) ?? 'not known'}</td>
                <td>
                  <span class={`badge small ${agent.state !== 'live' ? 'half-open' : 'closed'}`}>
                    {agent.state === 'live' && !agent.connected ? 'connecting' : agent.state}
                  </span>{' '}
                  {duration(agent.silentMs)} ago
                </td>
                <td>
                  {agent.rejected > 0 ? (
                    <span class="word open">rejects {agent.rejected}</span>
                  ) : agent.revision.wanted === agent.revision.applied ? (
                    <span class="word closed">{agent.guarded ? 'current, within limits of its code' : 'current'}</span>
                  ) : (
                    <span class="word half-open">behind</span>
                  )}
                </td>
                <td class="right wide">{agent.breakers.length}</td>
                <td class="right">{unwell > 0 ? <span class="word open">{unwell}</span> : '0'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
