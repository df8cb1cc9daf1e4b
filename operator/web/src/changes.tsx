import type { StateChange } from '../../src/core/fleet/fleet-breakers.ts';
import { duration, words } from './format.ts';
import { store } from './model.ts';

/** State changes, the newest first. */
export function Changes({ changes }: { changes: readonly (StateChange & { breaker: string | undefined })[] }) {
  if (changes.length === 0) return <p class="more">No change since this replica began.</p>;
  return (
    <ol class="changes">
      {[...changes].reverse().map((change) => (
        <li key={`${change.at}/${change.instance}/${change.to}/${change.breaker}`}>
          <time dateTime={new Date(change.at).toISOString()} title={new Date(change.at).toLocaleString()}>
            {duration(store.now.value - change.at)} ago
          </time>
          <span>
            <span class={`word ${change.from}`}>{change.from}</span> →{' '}
            <span class={`word ${change.to}`}>{change.to}</span>{' '}
            {change.breaker !== undefined && <b>{change.breaker} </b>}
            <i>{words(change.reason)}</i> on {change.instance}
          </span>
        </li>
      ))}
    </ol>
  );
}
