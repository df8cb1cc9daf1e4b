import { useRef } from 'preact/hooks';
import type { FieldChange } from '../../src/ports/history.ts';
import { ask } from './connection.ts';
import { connection } from './model.ts';
import { Edits } from './revision-edits.tsx';
import { useDialogForm } from './use-dialog-form.ts';

interface Props {
  /** The path of the policy in the admin API. */
  readonly path: string;
  /** Namespace and name of the policy, for the user. */
  readonly policy: string;
  readonly revision: number;
  /** The changes that the rollback would make now. */
  readonly changes: readonly FieldChange[];
  readonly onDone: (done: boolean) => void;
}

/** A dialog that shows the changes of a rollback and asks for confirmation. */
export function RollbackDialog({ path, policy, revision, changes, onDone }: Props) {
  const done = useRef(false);
  const { dialog, problem, busy, submit } = useDialogForm(async () => {
    await ask(`${path}/rollback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ toRevision: revision }),
    });
    done.current = true;
    dialog.current?.close();
  });
  const live = connection.link.value.phase === 'live';
  return (
    <dialog ref={dialog} onClose={() => onDone(done.current)} aria-labelledby="rollback-title">
      <form onSubmit={submit}>
        <h2 id="rollback-title">
          Roll {policy} back to revision {revision}
        </h2>
        <p>
          The policy gets the spec of revision {revision} again, and agents take it like any other edit. A circuit that
          is open stays open.
        </p>
        {changes.length === 0 ? <p>It has this spec already; nothing would change.</p> : <p>This changes:</p>}
        <Edits changes={changes} />
        {!live && <p class="notice bad">The page is not connected: the spec may have been changed since.</p>}
        {problem !== undefined && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="act" disabled={busy || !live || changes.length === 0}>
            Roll back to revision {revision}
          </button>
        </p>
      </form>
    </dialog>
  );
}
