import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * A dialog that opens when it is made, with a form that is sent once at a time; what `send` throws stays there to be
 * read.
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
