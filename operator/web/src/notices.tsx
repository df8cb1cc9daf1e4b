import { duration } from './format.ts';
import { connection, store } from './model.ts';

/** What everybody must know before believing what the page shows. */
export function Notices() {
  const link = connection.link.value;
  const source = store.source.value;
  const known = store.overview.value !== undefined;
  return (
    <div class="notices" aria-live="polite">
      {link.phase === 'lost' && known && <Lost since={link.since} why={link.why} />}
      {link.phase === 'live' && source?.outage !== undefined && (
        <p class="notice bad">
          <strong>Policies cannot be read.</strong> {source.outage}. Agents keep what they have; changes wait.
        </p>
      )}
      {link.phase === 'live' && source !== undefined && !source.synced && source.outage === undefined && (
        <p class="notice">The operator has not read the policies yet.</p>
      )}
      {link.phase === 'live' && (source?.problems ?? 0) > 0 && (
        <p class="notice warn">
          {source!.problems} {source!.problems === 1 ? 'file' : 'files'} cannot become a policy; see{' '}
          <a href="v1/source">what is wrong</a>.
        </p>
      )}
    </div>
  );
}

function Lost({ since, why }: { since: number; why: string }) {
  // Read so that the time goes on.
  void store.now.value;
  return (
    <p class="notice bad" role="alert">
      <strong>Connection lost.</strong> Everything below is as it was {duration(performance.now() - since)} ago. Trying
      again by itself: {why}.{' '}
      <button type="button" onClick={() => connection.retry()}>
        Try now
      </button>
    </p>
  );
}
