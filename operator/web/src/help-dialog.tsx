import { useEffect, useRef, useState } from 'preact/hooks';
import { choose, isChosen, WAYS, type Way } from './attention.ts';

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
      <h2 id="help-title">Keys and attention</h2>
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
      <Attention />
      <form method="dialog" class="buttons">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

const WAY_TEXTS: Readonly<Record<Way, string>> = {
  notify: 'Notify me on this computer when a breaker is refused',
  sound: 'Play a sound then',
};

/** The ways in which the page calls for attention while it is open, each of them off at first. */
function Attention() {
  const [chosen, setChosen] = useState(() => WAYS.filter(isChosen));
  const [problem, setProblem] = useState('');
  const change = async (way: Way, wanted: boolean) => {
    setProblem((await choose(way, wanted)) ?? '');
    setChosen(WAYS.filter(isChosen));
  };
  return (
    <fieldset>
      <legend>When this page is open, also in the background</legend>
      {WAYS.map((way) => (
        <label key={way} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(way)}
            onChange={(event) => void change(way, event.currentTarget.checked)}
          />
          {WAY_TEXTS[way]}
        </label>
      ))}
      <p role="status">{problem}</p>
    </fieldset>
  );
}
