import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, type ReadOptions, type ReadSummary, readCalls } from '../src/index.ts';

/** All calls of some files with these contents, and the summary. Names of files are `a`, `b`, … in their order. */
export async function readText(
  contents: string | Buffer | readonly (string | Buffer)[],
  options: ReadOptions = {},
): Promise<{ calls: Call[]; summary: ReadSummary; batches: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'fuseboard-traffic-'));
  try {
    const list = typeof contents === 'string' || Buffer.isBuffer(contents) ? [contents] : contents;
    const paths = list.map((content, at) => {
      const path = join(folder, String.fromCharCode(97 + at));
      writeFileSync(path, content);
      return path;
    });
    const reading = readCalls(paths, options);
    const calls: Call[] = [];
    let batches = 0;
    for await (const batch of reading) {
      calls.push(...batch);
      batches++;
    }
    return { calls, summary: reading.summary(), batches };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of a time of day on 1 May 2024, UTC. */
export function at(time: string): number {
  return Date.parse(`2024-05-01T${time}Z`);
}
