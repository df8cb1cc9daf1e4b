import { randomUUID } from 'node:crypto';
import { formatDuration, MAX_DURATION_MS } from '@fuseboard/schema/duration';
import type { Breaker, BreakerStats } from '../breakers/breaker.ts';
import type { GovernedBreaker } from '../breakers/governed-breaker.ts';
import { registry } from '../breakers/registry.ts';
import { detached } from '../clock/detached.ts';
import { checkMethods, checkOptions, type Fields } from '../errors/options.ts';
import { safeWarn } from '../errors/warnings.ts';
import { openByQuorum, type Quorum, readEntry, writeEntry } from './quorum.ts';
import type { StateStore } from './state-store.ts';

export interface ShareOptions extends Partial<Quorum> {
  /** Names of shared breakers. Absent: all. */
  readonly breakers?: readonly string[];
  /** Milliseconds between two exchanges; changes of state are exchanged at once. Absent: 1,000. */
  readonly intervalMs?: number;
  /**
   * Lifetime of a member's entry, in milliseconds. When the store is unreachable, the last view of the others is used
   * as long; after that, this process decides alone. Absent: five intervals.
   */
  readonly ttlMs?: number;
  /** Receives problems of the store, once for each outage. Absent: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
  /** A monotonic clock in milliseconds. Absent: the process clock. */
  readonly now?: () => number;
}

/** The running exchange of one process. */
export interface SharedState {
  /** Whether the entries of other members were read within their lifetime. */
  readonly connected: boolean;
  /** Exchanges now; resolves when the exchange succeeded or failed. Never rejects. */
  exchange(): Promise<void>;
  /**
   * Ends the exchange and removes this process's entry. Circuits opened because of others become half-open within
   * `ttlMs`. Waits for the store at most as long.
   */
  stop(): Promise<void>;
}

const OPTIONS: Fields = {
  minimumMembers: 'number',
  sharePercent: 'number',
  breakers: ['a list of names', (names) => Array.isArray(names) && names.every((name) => typeof name === 'string')],
  intervalMs: 'number',
  ttlMs: 'number',
  warn: 'function',
  now: 'function',
};

/** The reason of a circuit that opened because of other processes. */
const REASON = 'other processes see it open';

/** How long a circuit waiting for its probe still counts as open. Without calls, it would wait forever. */
const PROBING_MS = 10_000;

/**
 * Shares open circuits between processes without an operator. Each member publishes the circuits that it opened itself.
 * When a quorum sees a circuit open, the others open theirs too, until the quorum ends: `minimumMembers` (absent: 2),
 * which are `sharePercent` (absent: 50) of the members that use it. So one bad member opens no other circuit. Calls
 * never wait for the store. Only breakers in mode Enforce take part.
 *
 * @returns the sharing; its `stop()` ends it.
 * @throws {RangeError} when a number cannot be used.
 * @throws {TypeError} when the store lacks a method, or an option does not exist or has the wrong type.
 */
export function shareState(store: StateStore, options: ShareOptions = {}): SharedState {
  checkMethods('the store of shareState', store, 'put', 'all', 'remove');
  checkOptions('shareState', options, OPTIONS);
  return new StateSharing(store, options);
}

class StateSharing implements SharedState {
  readonly #id = randomUUID();
  readonly #store: StateStore;
  readonly #quorum: Quorum;
  readonly #only: ReadonlySet<string> | undefined;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  /** When each circuit last opened because of its own calls. */
  readonly #openedAt = new Map<string, number>();
  #lastExchangeAt: number;
  #reachable = true;
  #underWay: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(
    store: StateStore,
    {
      minimumMembers = 2,
      sharePercent = 50,
      breakers,
      intervalMs = 1000,
      ttlMs = 5 * intervalMs,
      warn,
      now = () => performance.now(),
    }: ShareOptions,
  ) {
    atLeast('minimumMembers', minimumMembers, 1);
    atLeast('sharePercent', sharePercent, 1);
    atLeast('intervalMs', intervalMs, 10);
    atLeast('ttlMs', ttlMs, intervalMs);
    if (ttlMs > MAX_DURATION_MS) throw new RangeError(`ttlMs is ${ttlMs}; give at most a day, ${MAX_DURATION_MS}`);
    this.#store = store;
    this.#quorum = { minimumMembers, sharePercent };
    this.#only = breakers && new Set(breakers);
    this.#ttlMs = ttlMs;
    this.#warn = safeWarn(warn);
    this.#now = now;
    this.#lastExchangeAt = now();
    this.#timer = detached(() => setInterval(() => this.exchange(), intervalMs)).unref();
    this.#unsubscribe = registry().onTransition((breaker, event) => {
      if (event.to === 'open' && event.reason !== 'forced-open') this.#openedAt.set(breaker.name, this.#now());
      this.#exchangeSoon();
    });
    this.#exchangeSoon();
  }

  get connected(): boolean {
    return this.#now() - this.#lastExchangeAt <= this.#ttlMs;
  }

  exchange(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    if (this.#underWay !== undefined) {
      if (!this.connected) this.#onStoreFailure(new Error('no answer'));
      this.#again = true;
      return this.#underWay;
    }
    this.#underWay = detached(() => this.#exchangeAll()).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    const removal = (this.#underWay ?? Promise.resolve()).then(() => this.#store.remove(this.#id)).catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#ttlMs);
    });
    await Promise.race([removal, late]);
    clearTimeout(timer);
  }

  /** Exchanges in a later turn, because changes happen within calls, and often several at once. */
  #exchangeSoon(): void {
    detached(() => setImmediate(() => this.exchange())).unref();
  }

  async #exchangeAll(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#store.put(this.#id, writeEntry(this.#ownView()), this.#ttlMs);
        const entries = await this.#store.all();
        if (this.#stopped) return;
        this.#lastExchangeAt = this.#now();
        this.#reachable = true;
        const members = entries.map(readEntry).filter((views) => views !== undefined);
        this.#applyQuorum(openByQuorum(members, this.#quorum));
      } catch (error) {
        this.#onStoreFailure(error);
        return;
      }
    } while (this.#again && !this.#stopped);
  }

  #onStoreFailure(error: unknown): void {
    if (this.#reachable && !this.#stopped) {
      this.#warn(
        `the store of shared states cannot be reached, each process decides on its own: ${(error as Error)?.message}`,
      );
    }
    this.#reachable = false;
  }

  /** The view of this process. A circuit forced in code is left out, because it says nothing about the dependency. */
  #ownView(): { open: string[]; closed: string[] } {
    const open: string[] = [];
    const closed: string[] = [];
    for (const [{ name }, { state, forced }] of this.#shared()) {
      if (forced === undefined) (this.#seesOpen(name, state) ? open : closed).push(name);
      else if (forced.reason === REASON) closed.push(name);
    }
    return { open, closed };
  }

  #seesOpen(name: string, state: Breaker['state']): boolean {
    if (state !== 'half-open') return state === 'open';
    return this.#now() - (this.#openedAt.get(name) ?? Number.NEGATIVE_INFINITY) <= PROBING_MS;
  }

  /**
   * Opens circuits that a quorum sees open, while the others' entries can be read, and closes them when there is no
   * quorum any more. When the others fall silent, such a circuit becomes half-open automatically. A circuit that this
   * process opened itself, or that code forced, is unchanged.
   */
  #applyQuorum(agreed: ReadonlySet<string>): void {
    for (const [breaker, { state, forced }] of this.#shared()) {
      const isOurs = forced?.reason === REASON;
      if (agreed.has(breaker.name)) {
        if (isOurs || (forced === undefined && state === 'closed')) {
          breaker.forceOpen({ for: formatDuration(this.#ttlMs), reason: REASON });
        }
      } else if (isOurs) breaker.circuit.reset();
    }
  }

  *#shared(): Iterable<readonly [GovernedBreaker, BreakerStats]> {
    for (const breaker of registry().breakers()) {
      if (this.#only?.has(breaker.name) === false) continue;
      const stats = breaker.stats();
      if (stats.mode === 'Enforce') yield [breaker, stats];
    }
  }
}

function atLeast(name: string, value: number, least: number): void {
  if (!(value >= least)) throw new RangeError(`${name} is ${value}; give a number from ${least}`);
}
