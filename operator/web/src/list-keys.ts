/** The links that open the items of the board or of a list. */
const ITEMS = 'main [data-opens]';

const items = () => [...document.querySelectorAll<HTMLElement>(ITEMS)];

/** Moves the focus to the first item of the board or list; returns whether there is one. */
export function enterList(): boolean {
  const [first] = items();
  first?.focus();
  return first !== undefined;
}

/**
 * Moves the focus to the next or previous item of a list. When nothing has the focus, an arrow key leads into the list.
 *
 * @returns whether the focus moved.
 */
export function moveFocus(key: string): boolean {
  const { activeElement } = document;
  if (activeElement === null || activeElement === document.body) return key === 'ArrowDown' && enterList();
  // The board is no list: its items have neighbours in four directions.
  if (!activeElement.matches(ITEMS) || activeElement.closest('.tiles') !== null) return false;
  const all = items();
  const at = all.indexOf(activeElement as HTMLElement);
  const next: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
  const item = all[next[key] ?? -1];
  item?.focus();
  return item !== undefined;
}
