import { styleText } from 'node:util';
import { Option } from 'commander';
import { stringify } from 'yaml';
import { printable } from '../../core/printable.ts';
import type { Terminal } from '../terminal.ts';

export type Format = 'text' | 'wide' | 'json' | 'yaml';

export const outputOption = () =>
  new Option('-o, --output <format>', 'output format').choices(['text', 'wide', 'json', 'yaml']).default('text');

export type Colour = 'red' | 'yellow' | 'green' | 'dim';

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  /** Whether the column appears only with `-o wide`. */
  readonly wide?: boolean;
  readonly colour?: (row: T) => Colour | undefined;
}

/** Colours a text on a terminal, unless NO_COLOR is set. Elsewhere, the text stays unchanged. */
export const coloured = (text: string, colour: Colour | undefined, { out }: Terminal) =>
  colour === undefined ? text : styleText(colour, text, { stream: out });

/** Formats rows as a table in the style of kubectl. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], terminal: Terminal): string {
  const cells = rows.map((row) =>
    columns.map((column) => ({ text: printable(column.value(row)), colour: column.colour?.(row) })),
  );
  const head = columns.map(({ title }) => ({ text: title.toUpperCase(), colour: undefined }));
  const widths = columns.map((_, i) => Math.max(...[head, ...cells].map((line) => line[i]!.text.length)));
  return [head, ...cells]
    .map((line) =>
      line
        .map(({ text, colour }, i) =>
          coloured(i === line.length - 1 ? text : text.padEnd(widths[i]! + 3), colour, terminal),
        )
        .join(''),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Prints rows as a table, JSON or YAML. Without rows, `nothing` is printed on stderr. */
export function print<T>(
  rows: readonly T[],
  {
    columns,
    nothing,
    about,
  }: {
    readonly columns: readonly Column<T>[];
    readonly nothing: string;
    /** Additional fields of the JSON or YAML output, next to the rows. */
    readonly about?: object;
  },
  format: Format,
  terminal: Terminal,
): void {
  if (format === 'json' || format === 'yaml') printAs({ items: rows, ...about }, format, terminal);
  else if (rows.length === 0) terminal.err.write(`${nothing}\n`);
  else {
    const shown = columns.filter(({ wide }) => format === 'wide' || !wide);
    terminal.out.write(table(rows, shown, terminal));
  }
}

export function printAs(value: unknown, format: 'json' | 'yaml', { out }: Terminal): void {
  out.write(
    format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { aliasDuplicateObjects: false }),
  );
}

/** Formats a duration like an age in kubectl: `45s`, `12m`, `3h`, `9d`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 120) return `${s}s`;
  if (s < 7_200) return `${Math.floor(s / 60)}m`;
  if (s < 172_800) return `${Math.floor(s / 3_600)}h`;
  return `${Math.floor(s / 86_400)}d`;
}

export const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
