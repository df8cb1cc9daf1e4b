import { duration } from './format.ts';
import { Link } from './link.tsx';
import { connection, store } from './model.ts';

/** Warnings that affect all data on the page. */
export function Notices() {
  const link = connection.link.value;
  const source = store.source.value;
  const known = store.overview.value !== undefined;
  return (
    <div class="notices" aria-live="polite">
      {link.phase === 'lost' && known && <Lost since={link.since} why={link.why} />}
      {known && <Elsewhere />}
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

/** Warns that the rows cover only the agents of one replica. */
function Elsewhere() {
  const others = store.others.value;
  if (others.length === 0) return null;
  const open = store.openElsewhere();
  return (
    <p class={`notice ${open.length > 0 ? 'bad' : ''}`}>
      Breakers and agents are those of replica <strong>{store.replica}</strong>; others report to {others.join(', ')}.{' '}
      {open.length > 0 && (
        <>
          Open there:{' '}
          {open.slice(0, 5).map(({ policy, open: count }, i) => (
            <span key={policy.uid}>
              {i > 0 && ', '}
              <Link to={{ policy: `${policy.namespace}/${policy.name}`, breaker: undefined, agent: undefined }}>
                {policy.namespace}/{policy.name}
              </Link>{' '}
              ({count})
            </span>
          ))}
          {open.length > 5 && ` and ${open.length - 5} more`}.
        </>
      )}
    </p>
  );
}

function Lost({ since, why }: { since: number; why: string }) {
  // Read so that the component is rendered again as time passes.
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
