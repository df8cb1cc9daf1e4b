import { createHash } from 'node:crypto';

/** A shard to store; `text` is absent when the shard is to be deleted. */
export interface ShardWrite {
  readonly index: number;
  readonly text: string | undefined;
}

/**
 * Lines by key, distributed by a hash of the key over texts of a limited size. A text that differs from its stored
 * version is due for a write. The number of shards doubles when one is too large, and never shrinks.
 */
export class Shards {
  readonly #maxBytes: number;
  #shards: Map<string, string>[] = [new Map()];
  #bytes: number[] = [0];
  /** Indices of shards that may differ from their stored versions. */
  readonly #due = new Set<number>();
  readonly #stored = new Map<number, string>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#shards.length;
  }

  /** Sets the line of a key; an absent line removes the key. A line contains no line break. */
  set(key: string, line: string | undefined): void {
    const index = shardOf(key, this.count);
    const shard = this.#shards[index]!;
    const before = shard.get(key);
    if (before === line) return;
    if (line === undefined) shard.delete(key);
    else shard.set(key, line);
    this.#bytes[index]! += size(line) - size(before);
    this.#due.add(index);
    while (this.#bytes.some((bytes) => bytes > this.#maxBytes) && this.#shards.some(({ size: keys }) => keys > 1)) {
      this.#double();
    }
  }

  /**
   * The next due write, the highest index first. So a line that moves is stored in its new shard before it leaves the
   * old one.
   */
  next(): ShardWrite | undefined {
    for (const index of [...this.#due].sort((a, b) => b - a)) {
      const lines = [...this.#shards[index]!.values()];
      const text = lines.length === 0 ? undefined : lines.join('\n');
      if (text !== this.#stored.get(index)) return { index, text };
      this.#due.delete(index);
    }
    return undefined;
  }

  /** Records that the write succeeded. */
  stored({ index, text }: ShardWrite): void {
    if (text === undefined) this.#stored.delete(index);
    else this.#stored.set(index, text);
  }

  /** Indices of the stored shards. */
  get indices(): readonly number[] {
    return [...this.#stored.keys()];
  }

  /** Records that the stored shard of an index is missing or unknown, so that it is written again. */
  lost(index: number): void {
    this.#stored.delete(index);
    this.#due.add(index);
  }

  #double(): void {
    const lines = this.#shards.flatMap((shard) => [...shard]);
    const count = this.count * 2;
    this.#shards = Array.from({ length: count }, () => new Map());
    this.#bytes = new Array(count).fill(0);
    for (const [key, line] of lines) {
      const index = shardOf(key, count);
      this.#shards[index]!.set(key, line);
      this.#bytes[index]! += size(line);
    }
    for (let index = 0; index < count; index += 1) this.#due.add(index);
  }
}

/** The size of a line with its line break, in bytes. */
const size = (line: string | undefined) => (line === undefined ? 0 : Buffer.byteLength(line) + 1);

/** @param count a power of two. */
function shardOf(key: string, count: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) & (count - 1);
}
