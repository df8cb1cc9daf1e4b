import { useRef, useState } from 'preact/hooks';

/** A text with a button that copies it. Where the browser forbids copying, the text is selected instead. */
export function CopyText({ text, what }: { text: string; what: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied.');
    } catch {
      getSelection()?.selectAllChildren(shown.current!);
      setSaid('Selected; copy it with the keyboard.');
    }
  };
  return (
    <div class="copy">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre class="spec" tabIndex={0} ref={shown}>
        {text}
      </pre>
      <p class="buttons left">
        <button type="button" onClick={copy}>
          Copy the {what}
        </button>
        <span class="more" role="status">
          {said}
        </span>
      </p>
    </div>
  );
}
