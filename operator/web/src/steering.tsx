import { useState } from 'preact/hooks';
import { duration } from './format.ts';
import { connection, store } from './model.ts';
import { OverrideDialog } from './override-dialog.tsx';
import { ACTION_WORDS, ACTIONS, type Action, actingOn, endOverride, type Override, overrides } from './overrides.ts';
import { Block } from './panel.tsx';

/** Buttons that override a breaker, if the operator supports overrides. */
export function Steering({ namespace, breaker, agents }: { namespace: string; breaker: string; agents: number }) {
  const [action, setAction] = useState<Action | undefined>(undefined);
  const known = overrides.value;
  if (known.kind === 'unknown' || known.kind === 'absent') return null;
  const live = connection.link.value.phase === 'live';
  return (
    <Block title="Override">
      {known.kind === 'refused' && <p class="more">{known.why}</p>}
      <ul class="plain">
        {actingOn(namespace, breaker).map((one) => (
          <li key={one.uid}>
            <OverrideLine override={one} />
          </li>
        ))}
      </ul>
      <p class="buttons left">
        {ACTIONS.map((one) => (
          <button key={one} type="button" disabled={!live} onClick={() => setAction(one)}>
            {ACTION_WORDS[one]} …
          </button>
        ))}
      </p>
      {action && (
        <OverrideDialog
          action={action}
          namespace={namespace}
          breaker={breaker}
          agents={agents}
          onDone={() => setAction(undefined)}
        />
      )}
    </Block>
  );
}

/** The override in force: its action, user, reason and end. */
export function OverrideLine({ override }: { override: Override }) {
  const { action, reason, createdBy, expiresAt, status } = override;
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const end = () => endOverride(override).catch((error: Error) => setProblem(error.message));
  return (
    <span class="override-line">
      <span class={`badge small ${action === 'ForceOpen' ? 'open' : 'half-open'}`}>
        {action && ACTION_WORDS[action]}
      </span>{' '}
      {reason}
      <span class="by">
        {createdBy !== undefined && ` · by ${createdBy}`}
        {status.agents && ` · ${status.agents.summary} agents`} · ends in {duration(expiresAt - store.now.value)}
      </span>{' '}
      <button type="button" onClick={end} aria-label={`End now: ${action && ACTION_WORDS[action]}`}>
        End now
      </button>
      {problem !== undefined && (
        <span class="notice bad" role="alert">
          {problem}
        </span>
      )}
    </span>
  );
}
