import type { ComponentChildren } from 'preact';
import { address, go } from './model.ts';

interface Props {
  /** The heading when there is nothing at all. */
  readonly title: string;
  /** What to do, or what will be listed, when there is nothing at all. */
  readonly children: ComponentChildren;
  /** What is there, or what a search looks at, when the filter hides everything. */
  readonly hidden: string;
  /** Whether something is there that the filter hides. Absent: when there is a search. */
  readonly filtered?: boolean;
  readonly class?: string;
}

/** An empty board or list: there is nothing, or nothing matches the search and the state in the URL. */
export function Nothing({ title, children, hidden, filtered, class: kind = 'list' }: Props) {
  const { search, state } = address.value;
  if (!(filtered ?? search !== '')) {
    return (
      <div class={`${kind} nothing`}>
        <h2>{title}</h2>
        <p>{children}</p>
      </div>
    );
  }
  const by = [state, search && `with “${search}”`].filter((part) => part).join(' ');
  return (
    <div class={`${kind} nothing`}>
      <h2>Nothing matches</h2>
      <p>
        {hidden}
        {by !== '' && ` None is ${by}.`}
      </p>
      <button type="button" onClick={() => go({ search: '', state: undefined } as never)}>
        Show all
      </button>
    </div>
  );
}
