import { useState } from 'preact/hooks';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import { advice, affected, commandOf, MANY_AGENTS } from './advice.ts';
import { CopyText } from './copy-text.tsx';
import { count } from './format.ts';
import { store } from './model.ts';
import { ACTION_WORDS, type Action, lastMade, makeOverride, type NewOverride } from './overrides.ts';
import { useDialogForm } from './use-dialog-form.ts';

const DURATIONS = ['1m', '5m', '15m', '30m', '1h', '4h'];

interface Props {
  readonly action: Action;
  readonly row: BreakerRow;
  /** Current calls per second, permitted or refused, and the share of permitted calls that fail. */
  readonly rate: number;
  readonly failed: number | undefined;
  readonly onDone: () => void;
}

/** A dialog that says what an override will do, and asks for its reason and duration. */
export function OverrideDialog({ action, row, rate, failed, onDone }: Props) {
  const { namespace, breaker, agents } = row;
  const [reason, setReason] = useState('');
  const [duration, setDuration] = useState('15m');
  const [labels, setLabels] = useState('');
  const [typed, setTyped] = useState('');
  const specOf = (): NewOverride => {
    const matchLabels = readLabels(labels);
    const selector = matchLabels && { selector: { matchLabels } };
    return { breakers: [breaker], ...selector, action, reason: reason.trim(), duration };
  };
  const { dialog, problem, busy, submit } = useDialogForm(async () => {
    const made = await makeOverride(namespace, specOf());
    onDone();
    // Only now, because the open dialog keeps the focus from the button that takes the override back.
    lastMade.value = made;
  });
  const all = labels.trim() === '';
  const many = all && agents >= MANY_AGENTS;
  const title = `${upper(ACTION_WORDS[action])} ${breaker}`;
  return (
    <dialog class="override" ref={dialog} onClose={onDone} aria-labelledby="override-title">
      <form onSubmit={submit}>
        <h2 id="override-title">{title}</h2>
        <p>
          Hits <b>{all ? affected(row) : `the agents with ${labels.trim()}, of ${affected(row)}`}</b> in namespace{' '}
          {namespace}.
        </p>
        {advice(action, rate, failed).map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <label>
          Why
          <input
            required
            maxLength={256}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
            placeholder="the partner asked us to stop"
          />
        </label>
        <label>
          For how long
          <select value={duration} onChange={(event) => setDuration(event.currentTarget.value)}>
            {DURATIONS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Only agents with these labels (empty: all)
          <input value={labels} onInput={(event) => setLabels(event.currentTarget.value)} placeholder="app=checkout" />
        </label>
        {many && (
          <label>
            It reaches {count(agents)} agents. Type <b>{breaker}</b> to confirm
            <input
              required
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <details>
          <summary>The same as a command</summary>
          <Command
            text={() => commandOf(store.source.value?.kind, namespace, resourceName(breaker), specOf())}
            key={`${reason}${duration}${labels}`}
          />
        </details>
        {problem !== undefined && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onDone}>
            Cancel
          </button>
          <button type="submit" class="act" disabled={busy || reason.trim() === '' || (many && typed !== breaker)}>
            {upper(ACTION_WORDS[action])} for {duration}
          </button>
        </p>
      </form>
    </dialog>
  );
}

/** A command with a button that copies it. `text` throws while the form has an error. */
function Command({ text }: { text: () => string }) {
  try {
    return <CopyText text={text()} what="command" />;
  } catch (error) {
    return <p class="more">{(error as Error).message}</p>;
  }
}

const upper = (text: string) => text[0]!.toUpperCase() + text.slice(1);

/** A name for an object of the cluster that begins as the breaker does. */
const resourceName = (breaker: string) =>
  breaker
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40) || 'override';

/** Parses `k=v, k2=v2`; undefined for an empty text. */
function readLabels(text: string): Record<string, string> | undefined {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  for (const pair of pairs)
    if (pair.indexOf('=') <= 0) throw new Error(`labels: "${pair}" is not of the form key=value`);
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
