import type { ComponentChildren } from 'preact';
import type { FieldChange } from '../../src/ports/history.ts';
import { connection } from './model.ts';
import { Edits } from './revision-edits.tsx';
import type { DialogForm } from './use-dialog-form.ts';

interface Props {
  readonly form: DialogForm;
  /** The id of the title in the document. */
  readonly titleId: string;
  readonly title: ComponentChildren;
  readonly changes: readonly FieldChange[];
  /** What may have changed since the page lost its connection. */
  readonly stale: 'policy' | 'spec';
  /** The text of the button that makes the changes. */
  readonly confirm: ComponentChildren;
  /** Whether the button does nothing, because nothing would change. Absent: it makes the changes. */
  readonly unchanged?: boolean;
  readonly onClose: () => void;
  /** The text above the changes. */
  readonly children: ComponentChildren;
}

/** A dialog that shows what would change in a policy and asks for confirmation. */
export function ChangesDialog({ form, titleId, title, changes, stale, confirm, unchanged, onClose, children }: Props) {
  const { dialog, problem, busy, submit } = form;
  const live = connection.link.value.phase === 'live';
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={titleId}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        {children}
        <Edits changes={changes} />
        {!live && <p class="notice bad">The page is not connected: the {stale} may have been changed since.</p>}
        {problem !== undefined && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="act" disabled={busy || !live || unchanged}>
            {confirm}
          </button>
        </p>
      </form>
    </dialog>
  );
}
