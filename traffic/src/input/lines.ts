import { StringDecoder } from 'node:string_decoder';

/** Longer lines are cut and do not parse, because they would have to be held in memory. */
const MAX_LINE = 33_554_432;

/** Splits blocks into lines, with one list for each block. Empty lines are left out. */
export async function* lines(blocks: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let held = 0;
  for await (const block of blocks) {
    const text = decoder.write(block);
    const end = text.lastIndexOf('\n');
    if (end < 0) {
      if (held < MAX_LINE) pieces.push(text);
      held += text.length;
      continue;
    }
    const whole = (pieces.length === 0 ? '' : pieces.join('')) + text.slice(0, end);
    pieces = [text.slice(end + 1)];
    held = pieces[0]!.length;
    yield split(whole);
  }
  const last = split(pieces.join('') + decoder.end());
  if (last.length > 0) yield last;
}

function split(text: string): string[] {
  const found: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (trimmed !== '') found.push(trimmed);
  }
  return found;
}
