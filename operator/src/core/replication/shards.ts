import { createHash } from 'node:crypto';

/** A shard as it should be stored; `text` absent: not at all. */
export interface ShardWrite {
  readonly index: number;
  readonly text: string | undefined;
}

/**
 * Lines by key, spread by a hash of the key over as few texts as keep each within a limit. A text that differs from
 * what is stored is due. The number of shards doubles when one is too large, and never shrinks.
 */
export class Shards {
  readonly #maxBytes: number;
  #shards: Map<string, string>[] = [new Map()];
  #bytes: number[] = [0];
  /** Indices that may differ from what is stored. */
  readonly #due = new Set<number>();
  readonly #stored = new Map<number, string>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#shards.length;
  }

  /** Sets the line of a key; absent removes it. A line holds no line break. */
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
   * The write that is due, the highest index first: a line that moves is stored at its new place before it leaves the
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

  /** The write was done. */
  stored({ index, text }: ShardWrite): void {
    if (text === undefined) this.#stored.delete(index);
    else this.#stored.set(index, text);
  }

  /** Indices that should be stored now. */
  get indices(): readonly number[] {
    return [...this.#stored.keys()];
  }

  /** What was stored under an index is gone or is not known. */
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

/** A line and the break that follows it. */
const size = (line: string | undefined) => (line === undefined ? 0 : Buffer.byteLength(line) + 1);

/** @param count a power of two. */
function shardOf(key: string, count: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) & (count - 1);
}
