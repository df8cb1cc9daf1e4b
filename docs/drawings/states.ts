import type { Reason, State } from '../../agent/src/core/state.ts';
import { drawing, textLabel } from './svg.ts';
import type { Transition } from './transitions.ts';

/** What people do: in code, with an override, by an edit. All else comes from calls and from time. */
const BY_PEOPLE: readonly Reason[] = [
  'forced-open',
  'forced-closed',
  'force-over',
  'manual-reset',
  'policy-reset',
  'policy-disabled',
];

const BOXES: readonly [State, x: number, y: number, what: string][] = [
  ['closed', 50, 60, 'all calls pass and count'],
  ['open', 670, 60, 'all are rejected at once'],
  ['half-open', 355, 400, 'a few calls pass, or a share'],
];

/** Where the arrow of a change runs and where its reasons stand; a line of them is at most `wide` letters long. */
const ARROWS: Record<string, { path: string; x: number; y: number; wide: number; middle?: boolean }> = {
  'closed open': { path: 'M245 82 H665', x: 455, y: 52, wide: 75, middle: true },
  'open closed': { path: 'M670 112 H250', x: 455, y: 132, wide: 50, middle: true },
  'open half-open': { path: 'M800 130 C800 330 700 437 555 437', x: 726, y: 386, wide: 30 },
  'half-open open': { path: 'M455 400 C455 280 540 190 694 134', x: 560, y: 246, wide: 30 },
  'half-open closed': { path: 'M355 437 C220 437 130 330 130 135', x: 184, y: 266, wide: 30 },
};

/** @throws Error for a change of state that has no place in the drawing, or a place that no change needs. */
export function states(transitions: readonly Transition[]): string {
  const seen = new Set(transitions.map(({ from, to }) => `${from} ${to}`));
  const unused = Object.keys(ARROWS).filter((key) => !seen.has(key));
  if (unused.length > 0) throw new Error(`no breaker goes ${unused.join(', ')}; take the arrow out of states.ts`);
  const boxes = BOXES.map(
    ([name, x, y, what]) =>
      `<rect class="box" x="${x}" y="${y}" width="195" height="70" rx="10"/>\n` +
      `${textLabel({ x: x + 97, y: y + 31, text: name, anchor: 'middle', size: 17, bold: true })}\n` +
      textLabel({ x: x + 97, y: y + 53, text: what, anchor: 'middle', look: 'soft', size: 13 }),
  );
  const start =
    '<circle class="tip" cx="16" cy="95" r="6"/>\n<path class="line" d="M22 95 H46" marker-end="url(#tip)"/>';
  const legend = [
    textLabel({ x: 590, y: 466, text: 'why: by calls and by time', size: 12.5 }),
    textLabel({ x: 590, y: 484, text: 'by people: in code, by an override, by an edit', look: 'people', size: 12.5 }),
  ];
  const title = 'The states of a breaker: closed, open and half-open, and every reason to go from one to another.';
  return drawing(900, 500, title, [start, ...boxes, ...transitions.map(arrow), ...legend].join('\n'));
}

function arrow({ from, to, reasons }: Transition): string {
  const place = ARROWS[`${from} ${to}`];
  if (!place) throw new Error(`a breaker goes from ${from} to ${to} (${reasons.join(', ')}); draw it in states.ts`);
  const { path, x, y, wide, middle } = place;
  const own = lines(
    reasons.filter((reason) => !BY_PEOPLE.includes(reason)),
    wide,
  );
  const people = lines(
    reasons.filter((reason) => BY_PEOPLE.includes(reason)),
    wide,
  );
  const all = [...own.map((text) => ({ text })), ...people.map((text) => ({ text, look: 'people' }))];
  const anchor = middle ? 'middle' : 'start';
  const labels = all.map((line, i) => textLabel({ x, y: y + 17 * i, anchor, size: 12.5, ...line }));
  return [`<path class="line" stroke-width="1.5" d="${path}" marker-end="url(#tip)"/>`, ...labels].join('\n');
}

function lines(reasons: readonly Reason[], wide: number): string[] {
  const all: string[] = [];
  for (const reason of reasons) {
    const last = all.at(-1);
    if (last !== undefined && last.length + 3 + reason.length <= wide) all[all.length - 1] = `${last} · ${reason}`;
    else all.push(reason);
  }
  return all;
}
