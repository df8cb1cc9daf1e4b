import { ReadError } from './read-error.ts';

/** Converts statuses such as `503`, `5xx` and `500-504` to a predicate. @throws ReadError when a text is invalid. */
export function statusSet(texts: readonly string[]): (status: number) => boolean {
  const ranges = texts.map((text): readonly [number, number] => {
    const group = /^([0-9])xx$/i.exec(text);
    if (group) return [Number(group[1]) * 100, Number(group[1]) * 100 + 99];
    const range = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text);
    if (range) return [Number(range[1]), Number(range[2] ?? range[1])];
    throw new ReadError(`"${text}" is no status; write 503, 5xx or 500-504`);
  });
  return (status) => ranges.some(([from, to]) => status >= from && status <= to);
}
