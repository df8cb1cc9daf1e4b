import { effect, signal } from '@preact/signals';
import { type Address, readAddress, writeAddress } from './address.ts';
import { Connection } from './connection.ts';
import { Store } from './store.ts';
import { forgetColours } from './tile-plot.ts';

/** What the whole page shares. */
export const store = new Store(
  () => performance.now(),
  (task, ms) => setTimeout(task, ms),
);
export const connection = new Connection(store);
export const address = signal<Address>(readAddress(location.search));
/** Changes with the colours of the page. */
export const theme = signal(0);

/** Goes to another address. `replace` leaves no trace in the history, as while a search is typed. */
export function go(to: Partial<Address>, replace = false): void {
  const next = { ...address.peek(), ...to };
  address.value = next;
  const url = writeAddress(next);
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
}

/** Closes what is open beside the list, and gives the focus back to where it came from. */
export function closePanel(): void {
  const { breaker, policy, agent, outage } = address.peek();
  const opened = breaker ?? policy ?? agent ?? outage;
  if (opened === undefined) return;
  go({ breaker: undefined, policy: undefined, agent: undefined, outage: undefined } as never);
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>(`[data-opens="${CSS.escape(opened!)}"]`)?.focus();
  });
}

/** The query that leads to an address from where the page is. */
export const hrefTo = (to: Partial<Address>) => writeAddress({ ...address.value, ...to });

/** Connects everything to the browser. */
export function begin(): void {
  addEventListener('popstate', () => {
    address.value = readAddress(location.search);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    forgetColours();
    theme.value += 1;
  });
  setInterval(() => store.tick(), 1_000);
  effect(() => {
    const { open = 0 } = store.ranks.value;
    document.title = `${open > 0 ? `(${open} open) ` : ''}Fuseboard`;
  });
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
