import { createRequire } from 'node:module';
import { styleText } from 'node:util';
import { printable } from '../../core/printable.ts';
import type { Terminal } from '../terminal.ts';

const require = createRequire(import.meta.url);

/** Formats that programs read. `render` is a compiled JSONPath template. */
export type ProgramFormat = 'json' | 'yaml' | { readonly render: (value: unknown) => string };

export type Format = 'text' | 'wide' | 'name' | ProgramFormat;

export const isForPrograms = (format: Format): format is ProgramFormat =>
  format !== 'text' && format !== 'wide' && format !== 'name';

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

/**
 * Prints rows as a table, as names, or for programs. Without rows, a table is replaced by `nothing` on stderr.
 */
export function print<T>(
  rows: readonly T[],
  {
    columns,
    nothing,
    name,
    about,
  }: {
    readonly columns: readonly Column<T>[];
    readonly nothing: string;
    /** The name of a row with `-o name`, as `kind/name`. */
    readonly name: (row: T) => string;
    /** Additional fields of the JSON or YAML output, next to the rows. */
    readonly about?: object;
  },
  format: Format,
  terminal: Terminal,
): void {
  if (isForPrograms(format)) printAs({ items: rows, ...about }, format, terminal);
  else if (format === 'name') terminal.out.write(rows.map((row) => `${name(row)}\n`).join(''));
  else if (rows.length === 0) terminal.err.write(`${nothing}\n`);
  else {
    const shown = columns.filter(({ wide }) => format === 'wide' || !wide);
    terminal.out.write(table(rows, shown, terminal));
  }
}

export function printAs(value: unknown, format: ProgramFormat, { out }: Terminal): void {
  if (format === 'json') out.write(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === 'yaml') {
    // Few command lines print YAML, and a Tab waits for everything that is loaded.
    const { stringify } = require('yaml') as typeof import('yaml');
    out.write(stringify(value, { aliasDuplicateObjects: false }));
  }
  // As programs read it from JSON: fields that are undefined are absent.
  else out.write(format.render(JSON.parse(JSON.stringify(value))));
}

/** Formats a duration like an age in kubectl: `45s`, `12m`, `3h`, `9d`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 120) return `${s}s`;
  if (s < 7_200) return `${Math.floor(s / 60)}m`;
  if (s < 172_800) return `${Math.floor(s / 3_600)}h`;
  return `${Math.floor(s / 86_400)}d`;
}
