import { causeOf } from './names/shape.ts';
import type { Sampling } from './options.ts';
import { ReadError } from './read-error.ts';

const MAX_SAMPLES = 3;
const MAX_BAD_SHARE = 0.05;
/** Below this number of lines, a share is not reliable, so it is checked at the end of the file. */
const MIN_LINES = 200;

/** The counts and notes of one file. */
export class RecordCounts {
  readonly path: string;
  readonly #notes = new Map<string, number>();
  lines = 0;
  badLines = 0;
  readonly badSamples: string[] = [];
  sampling: Sampling | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Counts an invalid line. @throws ReadError when over 5 % of the lines are invalid. */
  bad(cause: { readonly line: string } | string, record = this.lines): void {
    this.badLines++;
    if (this.badSamples.length < MAX_SAMPLES) {
      this.badSamples.push(`record ${record}: ${typeof cause === 'string' ? cause : causeOf(cause.line)}`);
    }
    if (this.lines >= MIN_LINES) this.check();
  }

  /** @throws ReadError when over 5 % of the lines are invalid. */
  check(): void {
    if (this.badLines <= this.lines * MAX_BAD_SHARE) return;
    const shown = this.badSamples.map((sample) => `\n  ${sample}`).join('');
    throw new ReadError(
      `${this.path}: ${this.badLines} of ${this.lines} records cannot be read, more than 5 %; name the format, or give a file of one format. The first:${shown}`,
    );
  }

  /** Adds a sentence to the summary once. The sum of `count` replaces `{}`. */
  note(text: string, count = 1): void {
    this.#notes.set(text, (this.#notes.get(text) ?? 0) + count);
  }

  notes(): string[] {
    return [...this.#notes].map(([text, count]) => text.replace('{}', String(count)));
  }
}
