import { useRef } from 'preact/hooks';
import type { FieldChange } from '../../src/ports/history.ts';
import { ChangesDialog } from './changes-dialog.tsx';
import { ask } from './connection.ts';
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
  const form = useDialogForm(async () => {
    await ask(`${path}/rollback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ toRevision: revision }),
    });
    done.current = true;
    form.dialog.current?.close();
  });
  const unchanged = changes.length === 0;
  return (
    <ChangesDialog
      form={form}
      titleId="rollback-title"
      title={`Roll ${policy} back to revision ${revision}`}
      changes={changes}
      stale="spec"
      confirm={`Roll back to revision ${revision}`}
      unchanged={unchanged}
      onClose={() => onDone(done.current)}
    >
      <p>
        The policy gets the spec of revision {revision} again, and agents take it like any other edit. A circuit that is
        open stays open.
      </p>
      {unchanged ? <p>It has this spec already; nothing would change.</p> : <p>This changes:</p>}
    </ChangesDialog>
  );
}
