import { useEffect, useRef, useState } from 'preact/hooks';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import { duration } from './format.ts';
import { connection, store } from './model.ts';
import { OverrideDialog } from './override-dialog.tsx';
import {
  ACTION_WORDS,
  ACTIONS,
  type Action,
  actingOn,
  endOverride,
  lastMade,
  type Override,
  overrides,
} from './overrides.ts';
import { Block } from './panel.tsx';

interface Props {
  readonly row: BreakerRow;
  /** Current calls per second, permitted or refused, and the share of permitted calls that fail. */
  readonly rate: number;
  readonly failed: number | undefined;
}

/** Buttons that override a breaker, if the operator supports overrides. */
export function Steering({ row, rate, failed }: Props) {
  const { namespace, breaker } = row;
  const [action, setAction] = useState<Action | undefined>(undefined);
  const known = overrides.value;
  if (known.kind === 'unknown' || known.kind === 'absent') return null;
  const live = connection.link.value.phase === 'live';
  return (
    <Block title="Override">
      {known.kind === 'refused' && <p class="more">{known.why}</p>}
      <Undo namespace={namespace} breaker={breaker} />
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
        <OverrideDialog action={action} row={row} rate={rate} failed={failed} onDone={() => setAction(undefined)} />
      )}
    </Block>
  );
}

/** Takes back the override that the user just created on this breaker. A reset cannot be taken back. */
function Undo({ namespace, breaker }: { namespace: string; breaker: string }) {
  const made = lastMade.value;
  const button = useRef<HTMLButtonElement>(null);
  const [said, setSaid] = useState('');
  const mine = made?.namespace === namespace && made.breakers?.includes(breaker) === true;
  const uid = mine ? made.uid : undefined;
  // The dialog is closed at this time, and has no button to return the focus to.
  useEffect(() => button.current?.focus(), [uid]);
  if (!mine) return said === '' ? null : <p role="status">{said}</p>;
  const undo = () =>
    endOverride(made).then(
      () =>
        setSaid(`Undone: ${breaker} is no longer ${made.action === 'ForceOpen' ? 'forced open' : 'forced closed'}.`),
      (error: Error) => setSaid(error.message),
    );
  if (made.action === 'Reset') return <p role="status">Done: agents reset {breaker} once.</p>;
  return (
    <p class="undo" role="status">
      Done: {breaker} is {made.action === 'ForceOpen' ? 'forced open' : 'forced closed'}.{' '}
      <button type="button" ref={button} onClick={undo}>
        Undo
      </button>{' '}
      {said}
    </p>
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
