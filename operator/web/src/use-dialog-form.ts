import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * A dialog that opens when it is mounted, with a form that is sent only once at a time. An error of `send` is shown in
 * the dialog.
 */
export function useDialogForm(send: () => Promise<void>) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await send();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return { dialog, problem, busy, submit };
}

export type DialogForm = ReturnType<typeof useDialogForm>;
