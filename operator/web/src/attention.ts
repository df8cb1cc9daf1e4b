import { effect } from '@preact/signals';
import type { OutageRow } from '../../src/core/outages/outage-row.ts';
import type { Store } from './store.ts';

/** The largest number that fits on the icon of a tab. */
const MOST_ON_ICON = 99;

/** The icon of the tab as a URL; with open breakers it is red and has their number. */
export function iconOf(open: number): string {
  if (open === 0) return 'icon.svg';
  const text = open > MOST_ON_ICON ? `${MOST_ON_ICON}+` : String(open);
  const size = text.length > 2 ? 15 : text.length > 1 ? 19 : 24;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#b3261e"/><text x="16" y="17" fill="#fff" font-family="sans-serif" font-weight="700" font-size="${size}" text-anchor="middle" dominant-baseline="central">${text}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** The ways in which the page calls for attention, as chosen by the user in this browser. */
export const WAYS = ['notify', 'sound'] as const;
export type Way = (typeof WAYS)[number];

const keyOf = (way: Way) => `fuseboard.${way}`;

/** Whether the user chose a way; never where the browser stores nothing. */
export function isChosen(way: Way): boolean {
  try {
    return localStorage.getItem(keyOf(way)) === 'yes';
  } catch {
    return false;
  }
}

/**
 * Remembers a choice. For notifications it asks the browser for the permission.
 *
 * @returns why the choice has no effect; undefined when it has.
 */
export async function choose(way: Way, wanted: boolean): Promise<string | undefined> {
  if (wanted && way === 'notify') {
    if (typeof Notification === 'undefined') return 'This browser has no notifications.';
    if ((await Notification.requestPermission()) !== 'granted')
      return 'The browser does not allow notifications of this page; see its settings.';
  }
  try {
    localStorage.setItem(keyOf(way), wanted ? 'yes' : 'no');
  } catch {
    return 'This browser does not store the choice.';
  }
  if (wanted && way === 'sound') beep();
  return undefined;
}

/** Two short tones. */
function beep(): void {
  const context = new AudioContext();
  [0, 0.2].forEach((after, i) => {
    const tone = new OscillatorNode(context, { frequency: 660 - 220 * i });
    const volume = new GainNode(context, { gain: 0.2 });
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + after);
    tone.stop(context.currentTime + after + 0.15);
    if (i === 1) tone.onended = () => void context.close();
  });
}

/** The outages that began since the last call. The first call returns none, because all of them are news then. */
export function newOutages(): (outages: readonly OutageRow[]) => OutageRow[] {
  let known: ReadonlySet<string> | undefined;
  return (outages) => {
    const before = known;
    known = new Set(outages.map(({ namespace, id }) => `${namespace}/${id}`));
    return before === undefined ? [] : outages.filter(({ namespace, id }) => !before.has(`${namespace}/${id}`));
  };
}

/** Keeps title and icon of the tab current, and calls for attention when a breaker is refused. */
export function callForAttention(store: Store, sentence: (outage: OutageRow) => string): void {
  effect(() => {
    const { open = 0 } = store.ranks.value;
    document.title = `${open > 0 ? `(${open} open) ` : ''}Fuseboard`;
    document.querySelector<HTMLLinkElement>('link[rel=icon]')!.href = iconOf(open);
  });
  const news = newOutages();
  effect(() => {
    const outages = store.outages.value;
    if (store.overview.value === undefined) return;
    const [first, ...others] = news(outages);
    if (first === undefined) return;
    const more = others.length > 0 ? ` ${others.length} more began at the same time.` : '';
    if (isChosen('notify') && Notification.permission === 'granted') {
      const notification = new Notification(`${first.breaker} is refused`, {
        ...{ body: `${sentence(first)}.${more}`, tag: `${first.namespace}/${first.id}`, icon: 'icon.svg' },
      });
      notification.onclick = () => window.focus();
    }
    if (isChosen('sound')) beep();
  });
}
