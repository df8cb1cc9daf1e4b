import { effect, signal } from '@preact/signals';
import { type Address, readAddress, writeAddress } from './address.ts';
import { Connection } from './connection.ts';
import { Store } from './store.ts';
import { forgetColours } from './tile-plot.ts';

/** The store shared by the whole page. */
export const store = new Store(
  () => performance.now(),
  (task, ms) => setTimeout(task, ms),
);
export const connection = new Connection(store);
export const address = signal<Address>(readAddress(location.search));
/** Changes when the colours of the page change. */
export const theme = signal(0);

/** Navigates to an address. `replace` adds no history entry, as while the user types a search. */
export function go(to: Partial<Address>, replace = false): void {
  const next = { ...address.peek(), ...to };
  address.value = next;
  const url = writeAddress(next);
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
}

/** Closes the panel, and returns the focus to the element that had it before. */
export function closePanel(): void {
  const { breaker, policy, agent, outage } = address.peek();
  const opened = breaker ?? policy ?? agent ?? outage;
  if (opened === undefined) return;
  go({ breaker: undefined, policy: undefined, agent: undefined, outage: undefined, zoom: undefined } as never);
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>(`[data-opens="${CSS.escape(opened!)}"]`)?.focus();
  });
}

/** The link to an address, relative to the current one. */
export const hrefTo = (to: Partial<Address>) => writeAddress({ ...address.value, ...to });

/** Connects the page to the browser. */
export function begin(): void {
  addEventListener('popstate', () => {
    address.value = readAddress(location.search);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    forgetColours();
    theme.value += 1;
  });
  setInterval(() => store.tick(), 1_000);
  let namespace: string | undefined;
  let opened = false;
  effect(() => {
    const { search, state, namespace: wanted } = address.value;
    const { search: was, state: before } = store.filter.peek();
    if (was !== search || before !== state) store.filter.value = { search, ...(state && { state }) };
    if (opened && namespace === wanted) return;
    opened = true;
    namespace = wanted;
    connection.open(wanted);
  });
}
