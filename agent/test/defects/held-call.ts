/** A call whose end the test decides. */
export class HeldCall {
  begun = 0;
  readonly #ends: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];

  /** What the breaker calls. */
  readonly work = (): Promise<unknown> => {
    this.begun++;
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  };

  /** Ends the oldest call under way. */
  async succeed(): Promise<void> {
    this.#ends.shift()?.resolve('fine');
    await flushPromises();
  }

  async fail(error: unknown = new Error('down')): Promise<void> {
    this.#ends.shift()?.reject(error);
    await flushPromises();
  }
}

export const succeeding = async () => 'fine';

export const failing = async () => {
  throw new Error('down');
};

/** Makes calls one after the other and forgets what comes of them. */
export async function make(times: number, call: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await call().catch(() => {});
  await flushPromises();
}

/** Begins a call that nobody waits for. */
export async function begin(call: () => Promise<unknown>): Promise<void> {
  call().catch(() => {});
  await flushPromises();
}

/** Lets every promise that can settle do so; some libraries take a turn of the loop for each step. */
export async function flushPromises(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Replaces timers and the wall clock of this test, not what `settled` needs. */
export const FAKED = { now: 0, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] } as const;
