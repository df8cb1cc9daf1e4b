interface Wait {
  readonly endsAt: number;
  end(): void;
}

/** A clock that a test advances, and waits that end when it does. */
export class FakeTime {
  readonly #waits = new Set<Wait>();
  #now = 0;

  readonly now = (): number => this.#now;

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = () => {
        this.#waits.delete(wait);
        resolve();
      };
      const wait = { endsAt: this.#now + ms, end };
      if (signal?.aborted) return resolve();
      this.#waits.add(wait);
      signal?.addEventListener('abort', end, { once: true });
    });

  /** Ends the waits that are due within `ms`, in order, and lets the code after each of them run. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await turns();
    for (let next = this.#next(); next !== undefined && next.endsAt <= target; next = this.#next()) {
      this.#now = next.endsAt;
      next.end();
      await turns();
    }
    this.#now = target;
  }

  #next(): Wait | undefined {
    return [...this.#waits].sort((a, b) => a.endsAt - b.endsAt)[0];
  }
}

/** Lets pending promises and immediates run. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
