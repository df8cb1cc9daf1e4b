import { useState } from 'preact/hooks';
import type { HistoryAnswer } from '../../src/http/admin/answers/history.ts';
import { changesBetween } from '../../src/ports/history.ts';
import { duration } from './format.ts';
import { connection, store } from './model.ts';
import { Block } from './panel.tsx';
import { Edits } from './revision-edits.tsx';
import { RollbackDialog } from './rollback-dialog.tsx';
import { useAnswer } from './use-answer.ts';

interface Props {
  /** The path of the policy in the admin API. */
  readonly path: string;
  /** Namespace and name of the policy, for the user. */
  readonly policy: string;
  /** The current spec; undefined while it is not known. */
  readonly spec: unknown;
}

/** The revisions of the policy with their changes, and the rollback to one, if the operator stores a history. */
export function PolicyHistory({ path, policy, spec }: Props) {
  const { value, status, problem } = useAnswer<HistoryAnswer>(`${path}/history`, 5_000);
  const [asked, setAsked] = useState<number | undefined>(undefined);
  const [rolledBack, setRolledBack] = useState<number | undefined>(undefined);
  if (status === 404 || (!value && !problem)) return null;
  const { items = [], rollback } = value ?? {};
  const allowed = rollback?.allowed === true && spec !== undefined && connection.link.value.phase === 'live';
  const wanted = items.find(({ revision }) => revision === asked);
  return (
    <Block title="Revisions">
      {problem !== undefined && <p class="notice bad">{problem}</p>}
      {rollback?.why !== undefined && items.length > 1 && (
        <p class="more" id="no-rollback">
          No rolling back: {rollback.why}
        </p>
      )}
      <p class="more" role="status">
        {rolledBack !== undefined && `Rolled back to revision ${rolledBack}; agents take it now.`}
      </p>
      <ol class="changes">
        {items.map(({ revision, at, current, changes }) => (
          <li key={revision}>
            <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
              {duration(store.now.value - at)} ago
            </time>
            <span>
              <b>revision {revision}</b>{' '}
              {current ? (
                <span class="badge small closed">now</span>
              ) : (
                <button
                  type="button"
                  disabled={!allowed}
                  onClick={() => setAsked(revision)}
                  aria-label={`Roll back to revision ${revision} …`}
                  aria-describedby={rollback?.why === undefined ? undefined : 'no-rollback'}
                  title={rollback?.why}
                >
                  roll back …
                </button>
              )}
              <Edits changes={changes} />
            </span>
          </li>
        ))}
      </ol>
      {wanted && (
        <RollbackDialog
          path={path}
          policy={policy}
          revision={wanted.revision}
          changes={changesBetween(spec, wanted.spec)}
          onDone={(done) => {
            setAsked(undefined);
            if (done) setRolledBack(wanted.revision);
          }}
        />
      )}
    </Block>
  );
}
