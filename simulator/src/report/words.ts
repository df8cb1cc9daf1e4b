import type { Stretch } from '../calm/incidents.ts';

/** A duration in words: `41 s`, `7 min`, `3 h`, `14 d`. */
export function spoken(ms: number): string {
  if (!Number.isFinite(ms)) return 'for ever';
  const seconds = ms / 1_000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 120) return `${rounded(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${rounded(seconds / 3_600)} h`;
  return `${rounded(seconds / 86_400)} d`;
}

/** A number with at most two decimals and separated thousands. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'unlimited';
  const [whole, part] = String(rounded(value)).split('.');
  return whole!.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',') + (part === undefined ? '' : `.${part}`);
}

/** A share from 0 to 1 in percent. A share above zero is never shown as 0 %. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return 'under 0.1 %';
  return `${value < 10 && value > 0 ? Math.round(value * 10) / 10 : Math.round(value)} %`;
}

/** A time of the record: a date (UTC) when the record has one, else the time since its start. */
export function moment(at: number): string {
  return at > YEAR_2000 ? new Date(at).toISOString().slice(0, 19).replace('T', ' ') : `${figure(at / 1_000)} s`;
}

export function stretch({ from, to }: Stretch): string {
  return `${moment(from)}, ${spoken(to - from)}`;
}

const YEAR_2000 = 946_684_800_000;
const rounded = (value: number) => (Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100);
