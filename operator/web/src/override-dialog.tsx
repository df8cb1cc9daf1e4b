import { useState } from 'preact/hooks';
import { count } from './format.ts';
import { ACTION_WORDS, type Action, makeOverride } from './overrides.ts';
import { useDialogForm } from './use-dialog-form.ts';

const DURATIONS = ['1m', '5m', '15m', '30m', '1h', '4h'];

const EFFECT: Readonly<Record<Action, (agents: string) => string>> = {
  ForceOpen: (agents) => `Every call is rejected at once on ${agents}, in every mode; then a few probes decide.`,
  ForceClosed: (agents) => `Every call passes on ${agents}, whatever fails; then the policies judge again.`,
  Reset: (agents) => `The breakers close once on ${agents}, with nothing recorded.`,
};

interface Props {
  readonly action: Action;
  readonly namespace: string;
  readonly breaker: string;
  readonly agents: number;
  readonly onDone: () => void;
}

/** A dialog that asks for the reason and the duration of an override. */
export function OverrideDialog({ action, namespace, breaker, agents, onDone }: Props) {
  const [reason, setReason] = useState('');
  const [duration, setDuration] = useState('15m');
  const [labels, setLabels] = useState('');
  const { dialog, problem, busy, submit } = useDialogForm(async () => {
    const matchLabels = readLabels(labels);
    const selector = matchLabels && { selector: { matchLabels } };
    await makeOverride(namespace, { breakers: [breaker], ...selector, action, reason: reason.trim(), duration });
    onDone();
  });
  const whom =
    labels.trim() === ''
      ? agents === 1
        ? 'the one agent that uses it'
        : `all ${count(agents)} agents that use it`
      : `agents with ${labels.trim()}`;
  return (
    <dialog class="override" ref={dialog} onClose={onDone} aria-labelledby="override-title">
      <form onSubmit={submit}>
        <h2 id="override-title">
          {upper(ACTION_WORDS[action])} {breaker}
        </h2>
        <p>
          In namespace {namespace}. {EFFECT[action](whom)}
        </p>
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
        {problem !== undefined && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onDone}>
            Cancel
          </button>
          <button type="submit" class="act" disabled={busy || reason.trim() === ''}>
            {upper(ACTION_WORDS[action])} for {duration}
          </button>
        </p>
      </form>
    </dialog>
  );
}

const upper = (text: string) => text[0]!.toUpperCase() + text.slice(1);

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
