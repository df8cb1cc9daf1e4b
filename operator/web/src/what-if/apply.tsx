import type { PolicySpec } from '@fuseboard/schema/types';
import { useState } from 'preact/hooks';
import type { HistoryAnswer } from '../../../src/http/admin/answers/history.ts';
import { changesBetween } from '../../../src/ports/history.ts';
import { ChangesDialog } from '../changes-dialog.tsx';
import { ask } from '../connection.ts';
import { connection } from '../model.ts';
import { useAnswer } from '../use-answer.ts';
import { useDialogForm } from '../use-dialog-form.ts';

interface Props {
  /** The path of the policy in the admin API. */
  readonly path: string;
  /** Namespace and name of the policy, for the user. */
  readonly policy: string;
  readonly generation: number;
  readonly spec: PolicySpec;
  /** The spec with the edited numbers. */
  readonly edited: PolicySpec;
  readonly onApplied: () => void;
}

/** Applies the edited numbers to the policy after a confirmation, if the user may edit it. */
export function Apply(props: Props) {
  const { path } = props;
  const [asked, setAsked] = useState(false);
  // The permission to edit is the one that a rollback needs.
  const { value, problem } = useAnswer<HistoryAnswer>(`${path}/history`, 30_000);
  const why = value?.rollback.why ?? problem;
  const allowed = value?.rollback.allowed === true && connection.link.value.phase === 'live';
  return (
    <>
      <p class="buttons left">
        <button
          type="button"
          disabled={!allowed}
          aria-describedby={why === undefined ? undefined : 'no-apply'}
          onClick={() => setAsked(true)}
        >
          Apply to the policy …
        </button>
      </p>
      {why !== undefined && (
        <p class="more" id="no-apply">
          No applying: {why}
        </p>
      )}
      {asked && <ApplyDialog {...props} onDone={() => setAsked(false)} />}
    </>
  );
}

/** A dialog that shows the changes and asks for confirmation. */
function ApplyDialog({ path, policy, generation, spec, edited, onApplied, onDone }: Props & { onDone: () => void }) {
  const form = useDialogForm(async () => {
    const { trip, recovery } = edited;
    await ask(`${path}/thresholds`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ generation, trip, recovery }),
    });
    onApplied();
    form.dialog.current?.close();
  });
  return (
    <ChangesDialog
      form={form}
      titleId="apply-title"
      title={`Apply these numbers to ${policy}`}
      changes={changesBetween(spec, edited)}
      stale="policy"
      confirm="Apply"
      onClose={onDone}
    >
      <p>Agents take the policy like after any other edit. A circuit that is open stays open. This changes:</p>
    </ChangesDialog>
  );
}
