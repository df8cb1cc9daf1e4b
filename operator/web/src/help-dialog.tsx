import { useEffect, useRef } from 'preact/hooks';

const KEYS: readonly (readonly [keys: string, effect: string])[] = [
  ['/', 'search'],
  ['arrows, Home, End', 'move between breakers, or between the rows of a list'],
  ['Enter', 'open what has the focus'],
  ['Tab', 'move between links and buttons; in a breaker, the override buttons come first'],
  ['Escape', 'empty the search, or close a dialog or the details'],
  ['?', 'show this help'],
];

/** A dialog with the keys of the page and what its shapes mean. */
export function HelpDialog({ onDone }: { onDone: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onDone} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <table>
        <thead>
          <tr>
            <th>key</th>
            <th>effect</th>
          </tr>
        </thead>
        <tbody>
          {KEYS.map(([keys, effect]) => (
            <tr key={keys}>
              <td>
                <kbd>{keys}</kbd>
              </td>
              <td>{effect}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="more">
        View, search, state, grouping, details, time range and the selected part are in the address: a link shows the
        same.
      </p>
      <form method="dialog" class="buttons">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
