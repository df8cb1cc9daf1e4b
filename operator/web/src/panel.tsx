import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { closePanel } from './model.ts';

/** A panel beside a list. It moves the focus to its heading; Escape closes it. */
export function Panel({ title, kind, children }: { title: string; kind: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [title, kind]);
  return (
    <aside class="panel" aria-labelledby="panel-title">
      <header>
        <p class="kind">{kind}</p>
        <h2 id="panel-title" tabIndex={-1} ref={heading}>
          {title}
        </h2>
        <button type="button" class="close" onClick={closePanel} aria-label={`Close ${title}`}>
          ✕
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="content" tabIndex={0} aria-labelledby="panel-title">
        {children}
      </section>
    </aside>
  );
}

export function Block({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="block">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export const Problem = ({ text }: { text: string | undefined }) =>
  text === undefined ? null : <p class="notice bad">{text}</p>;
