import { JSONParser } from '@streamparser/json';
import type { Observation } from '../observation.ts';
import { ReadError } from '../read-error.ts';
import { type Context, type Emit, readLines } from './format.ts';
import { isObject, type JsonObject, parseObject } from './json-value.ts';

/** Reads one value found at a path; returns false when it does not fit the format. */
export type TakeValue = (value: JsonObject, emit: Emit) => boolean;

/**
 * Reads the values at a path of one or several consecutive JSON documents, without holding a whole document in memory.
 */
export async function* readDocument(
  blocks: AsyncIterable<Buffer>,
  { counts }: Context,
  paths: readonly string[],
  take: (value: JsonObject | string, emit: Emit) => boolean,
): AsyncGenerator<Observation[]> {
  let found: Observation[] = [];
  const emit: Emit = (one) => {
    one.record = counts.lines;
    found.push(one);
  };
  // Any separator makes the parser accept several documents. Blanks between values are skipped anyway.
  const parser = new JSONParser({
    paths: [...paths],
    keepStack: false,
    separator: '',
    stringBufferSize: 65_536,
    numberBufferSize: 64,
  });
  let failed: Error | undefined;
  let ended = false;
  parser.onEnd = () => {
    ended = true;
  };
  parser.onError = (error) => {
    failed ??= error;
  };
  parser.onValue = ({ value }) => {
    counts.lines++;
    if (!(isObject(value) || typeof value === 'string') || !take(value, emit))
      counts.bad({ line: JSON.stringify(value) });
  };
  for await (const block of blocks) {
    if (!ended) parser.write(block);
    // The parser passes on what a reader of values throws.
    if (failed instanceof ReadError) throw failed;
    if (failed !== undefined)
      throw new ReadError(`${counts.path} is not well-formed JSON, after ${counts.lines} records that could be read`);
    yield found;
    found = [];
  }
  if (!ended && !parser.isEnded && counts.lines === 0) {
    throw new ReadError(`${counts.path} is JSON that ends early or holds nothing at ${paths.join(' or ')}`);
  }
}

/** Reads values from one document per line when the sample has such lines, else from one large document. */
export async function* readLinesOrDocument(
  blocks: AsyncIterable<Buffer>,
  context: Context,
  list: string,
  take: TakeValue,
): AsyncGenerator<Observation[]> {
  const first = context.sample.lines[0];
  if (first === undefined || parseObject(first) === undefined) {
    yield* readDocument(blocks, context, [`$.${list}.*`], (value, emit) => isObject(value) && take(value, emit));
    return;
  }
  yield* readLines(blocks, context, {
    line(text, emit) {
      const document = parseObject(text);
      const values = document?.[list];
      if (document === undefined || (values !== undefined && !Array.isArray(values))) return false;
      // A file exporter may write lists of other signals between those of spans.
      return ((values as unknown[] | undefined) ?? []).every((value) => isObject(value) && take(value, emit));
    },
  });
}
