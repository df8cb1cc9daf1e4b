const MAX_BYTES = 262_144;
const MAX_LINES = 50;

/** The beginning of a file, for detecting its format. */
export interface Sample {
  readonly text: string;
  /** Up to 50 lines. The last line of a longer text is left out, because it may be incomplete. */
  readonly lines: readonly string[];
}

/** Reads enough blocks for a sample, and returns them again before the other blocks. */
export async function readSample(
  blocks: AsyncGenerator<Buffer>,
): Promise<{ sample: Sample; blocks: AsyncGenerator<Buffer> }> {
  const taken: Buffer[] = [];
  let size = 0;
  let breaks = 0;
  let done = false;
  while (size < MAX_BYTES && breaks <= MAX_LINES) {
    const next = await blocks.next();
    if (next.done) {
      done = true;
      break;
    }
    taken.push(next.value);
    size += next.value.length;
    for (let at = next.value.indexOf(10); at >= 0; at = next.value.indexOf(10, at + 1)) breaks++;
  }
  const text = Buffer.concat(taken).toString('utf8');
  const all = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (!done) all.pop();
  const lines = all.filter((line) => line.trim() !== '').slice(0, MAX_LINES);
  return { sample: { text, lines }, blocks: joined(taken, blocks) };
}

async function* joined(taken: Buffer[], blocks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    while (taken.length > 0) yield taken.shift()!;
    yield* blocks;
  } finally {
    await blocks.return(undefined);
  }
}

/** Whether most lines of a sample, and at least one, pass a test. */
export function mostLines(sample: Sample, test: (line: string) => boolean): boolean {
  const passed = sample.lines.filter(test).length;
  return passed > 0 && passed >= sample.lines.length * 0.8;
}
