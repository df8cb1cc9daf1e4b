import { libraryOf } from '../../src/core/views/agent-library.ts';
import type { AgentDetail } from '../../src/http/admin/answers/agents.ts';
import { State } from './breaker-panel.tsx';
import { duration } from './format.ts';
import { Link } from './link.tsx';
import { Block, Panel, Problem } from './panel.tsx';
import { useAnswer } from './use-answer.ts';

/** The panel of one agent: its policies, and the governing policy of each of its breakers, with an explanation. */
export function AgentPanel({ name }: { name: string }) {
  const [namespace = '', boot = ''] = name.split('/');
  const path = `v1/agents/${encodeURIComponent(namespace)}/${encodeURIComponent(boot)}`;
  const { value, problem } = useAnswer<AgentDetail>(path);
  return (
    <Panel title={value?.instance ?? 'Agent'} kind="agent">
      <Problem text={problem} />
      {value && <Known agent={value} />}
    </Panel>
  );
}

function Known({ agent }: { agent: AgentDetail }) {
  const { namespace, service, labels, state, silentMs, revision, rejections, guarded = [], breakers } = agent;
  const same = revision.wanted === revision.applied;
  const library = libraryOf(agent);
  return (
    <>
      <p class="lead">
        <span class={`badge ${state === 'live' ? 'closed' : 'half-open'}`}>{state}</span> service <b>{service}</b> in{' '}
        {namespace}, heard {duration(silentMs)} ago
      </p>
      {library && <p>Library: {library}</p>}
      <p>
        {same ? 'Runs what it should run' : 'Does not run yet what it should run'}: revision{' '}
        <code>{revision.applied ?? 'none'}</code>
        {!same && (
          <>
            , wanted <code>{revision.wanted ?? 'none'}</code>
          </>
        )}
      </p>
      {Object.keys(labels).length > 0 && (
        <p class="labels">
          {Object.entries(labels).map(([key, value]) => (
            <code key={key}>
              {key}={value}
            </code>
          ))}
        </p>
      )}
      {rejections.length > 0 && (
        <Block title="What it cannot use">
          <ul>
            {rejections.map(({ policy, field, message }) => (
              <li key={policy}>
                <Link to={{ agent: undefined, policy: `${namespace}/${policy}` }}>{policy}</Link>: <code>{field}</code>{' '}
                {message}
              </li>
            ))}
          </ul>
        </Block>
      )}
      {guarded.length > 0 && (
        <Block title="What its code limits">
          <ul>
            {guarded.map(({ kind, name, by }) => (
              <li key={`${kind} ${name}`}>
                {kind} {name}: {by.join(', ')}
              </li>
            ))}
          </ul>
        </Block>
      )}
      <Block title="Which policy governs what, and why">
        {breakers.length === 0 && <p class="more">It has used no breaker yet.</p>}
        {breakers.map((breaker) => (
          <details key={breaker.name} open={breakers.length <= 3}>
            <summary>
              <b>{breaker.name}</b> <State breaker={breaker} />{' '}
              <span class="by">{breaker.policy === undefined ? 'defaults of the code' : `by ${breaker.policy}`}</span>
            </summary>
            <ul class="why">
              {breaker.why.map(({ policy, governs, reason }) => (
                <li key={policy} class={governs ? 'governs' : ''}>
                  <Link to={{ agent: undefined, policy: `${namespace}/${policy}` }}>{policy}</Link>{' '}
                  {governs ? 'governs' : 'does not'}: {reason}
                </li>
              ))}
              {breaker.why.length === 0 && <li>There is no policy in namespace {namespace}.</li>}
            </ul>
          </details>
        ))}
      </Block>
    </>
  );
}
