import type { Breaker } from '../breakers/breaker.ts';
import type { PolicySet } from '../breakers/policy-set.ts';
import type { Registry } from '../breakers/registry.ts';
import type { UnprotectedWarnings } from '../breakers/unprotected.ts';
import { safeWarn } from '../errors/warnings.ts';
import type { LedgerHolder } from './ledger.ts';
import { readBootstrap } from './local/bootstrap.ts';
import { HeldPolicies } from './local/held-policies.ts';
import { lastGoodPath, readLastGood } from './local/last-good.ts';
import type { OperatorExchange } from './operator-exchange.ts';
import type { Settings } from './settings/settings.ts';
import { systemTimers, type Timers } from './timers.ts';

/**
 * The policies in force. `Live`: the operator's current ones. `Stale`: its last ones; the stream is down. `LastGood`:
 * those of an earlier process, from the file. `Defaults`: the bootstrap file, else the defaults in code.
 */
export type LinkState = 'Live' | 'Stale' | 'LastGood' | 'Defaults';

/** @internal */
export interface LinkOptions {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly holder: LedgerHolder;
  readonly warn: (message: string) => void;
  readonly timers?: Timers;
  readonly random?: () => number;
}

/** The most lines about the guard, because a control plane could send ever new policies. */
const MAX_GUARD_LINES = 100;

/**
 * The connection of this process to the operator. It never throws into a call, delays a call, or keeps the process
 * alive.
 *
 * @internal
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #timers: Timers;
  readonly #held: HeldPolicies;
  readonly #warn: (message: string) => void;
  readonly #waiting = new Set<() => void>();
  #exchange: OperatorExchange | undefined;
  #appliedAt: number | undefined;
  #started = false;
  #ended = false;
  readonly #guarded = new Set<string>();
  #unsubscribes: (() => void)[] = [];
  #cancelOverrideEnd = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#warn = safeWarn(options.warn);
    this.#held = new HeldPolicies(() => this.#timers.now());
  }

  get state(): LinkState {
    const origin = this.#held.current.set?.origin;
    if (origin === 'stream') return this.#exchange?.isLive ? 'Live' : 'Stale';
    return origin === 'last-good' ? 'LastGood' : 'Defaults';
  }

  /** Whether the settings name an operator. */
  get hasOperator(): boolean {
    return this.#options.settings.url !== undefined;
  }

  /** Reads and applies the last good policies, or else the bootstrap file, synchronously. */
  load(): void {
    const { settings } = this.#options;
    for (const problem of settings.problems) this.#warn(problem);
    const path = lastGoodPath(settings);
    if (path !== undefined) {
      const { set, problem } = readLastGood(path);
      if (problem !== undefined) this.#warn(problem);
      if (set !== undefined) {
        this.#apply(this.#held.restore(set, 'last-good'));
        this.#warnRejected([]);
        return;
      }
    }
    if (settings.policies === undefined) return;
    const { set, problem } = readBootstrap(settings.policies, settings);
    if (problem !== undefined) this.#warn(problem);
    if (set === undefined) return;
    this.#apply(this.#held.restore(set, 'bootstrap'));
    this.#warnRejected([]);
  }

  /** Connects to the operator, if there is one. Never rejects. */
  async start(): Promise<void> {
    const { settings, registry } = this.#options;
    if (this.#started) return;
    this.#started = true;
    const warn = this.#warn;
    if (settings.url === undefined) {
      let loaded: Promise<UnprotectedWarnings | undefined> | undefined;
      const check = (breaker: Breaker) => {
        if (breaker.source === 'none' || !registry.neverOpens(breaker)) return;
        // Few processes need it and a warning may come late, so its code is not part of the main entry.
        loaded ??= import('../breakers/unprotected.ts').then(
          ({ UnprotectedWarnings }) => new UnprotectedWarnings(registry, false, warn),
          () => undefined,
        );
        void loaded.then((warnings) => this.#ended || warnings?.add(breaker));
      };
      this.#unsubscribes = [registry.onCreate(check)];
      for (const breaker of registry.breakers()) check(breaker);
      return;
    }
    const network = await import('./operator-exchange.ts').catch((error: Error) => {
      warn(`no connection to the operator: its code cannot be loaded: ${error.message}`);
    });
    if (network === undefined || this.#ended) return;
    this.#exchange = new network.OperatorExchange({
      random: Math.random,
      ...this.#options,
      warn,
      timers: this.#timers,
      held: this.#held,
      appliedAt: () => this.#appliedAt,
      apply: (set) => this.#apply(set),
      warnRejected: (before) => this.#warnRejected(before),
      becameLive: () => this.#endWaiting(),
    });
    this.#exchange.start();
  }

  /**
   * Resolves with `Live` once the operator's policies are applied, or with the state after `timeoutMs`. Never rejects.
   */
  ready(timeoutMs: number): Promise<LinkState> {
    return new Promise((resolve) => {
      if (this.#exchange?.isLive || !this.hasOperator) return resolve(this.state);
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(this.state);
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  /** Sends the last counts, saves the policies to the file and disconnects, within `flushMs`. */
  async stop(flushMs: number): Promise<void> {
    await this.#exchange?.bye(flushMs);
    this.hangUp();
  }

  /** Ends the link without a goodbye report, because another link of the same process takes over. */
  hangUp(): void {
    this.#ended = true;
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    this.#cancelOverrideEnd();
    this.#exchange?.stop();
    this.#endWaiting();
  }

  #endWaiting(): void {
    for (const done of [...this.#waiting]) done();
  }

  #apply(set: PolicySet): void {
    this.#options.registry.apply(set);
    this.#appliedAt = this.#timers.now();
    this.#warnGuarded();
    this.#scheduleOverrideEnd();
  }

  /** Updates the breakers when the next override ends, even without a message of the operator. */
  #scheduleOverrideEnd(): void {
    this.#cancelOverrideEnd();
    const now = this.#timers.now();
    const ends = (this.#options.registry.set?.overrides ?? []).map(({ endsAt }) => endsAt);
    const next = Math.min(...ends.filter((endsAt) => endsAt > now));
    if (next === Number.POSITIVE_INFINITY) return;
    this.#cancelOverrideEnd = this.#timers.after(Math.ceil(next - now), () => {
      this.#options.registry.govern();
      this.#exchange?.acknowledge();
      this.#scheduleOverrideEnd();
    });
  }

  #warnRejected(before: HeldPolicies['rejections']): void {
    for (const rejection of this.#held.rejections) {
      const { uid, generation, field, message } = rejection;
      if (before.some((known) => known.uid === uid && known.generation === generation)) continue;
      this.#warn(
        `policy ${uid}, generation ${generation}, cannot be used: ${field}: ${message}; the version before it stays in force`,
      );
    }
  }

  #warnGuarded(): void {
    for (const { breakers, name, by, limit = '' } of this.#options.registry.guarded) {
      const what = `${breakers === undefined ? 'policy' : 'override'} "${name}" by ${by} ${limit}`.trimEnd();
      if (this.#guarded.has(what) || this.#guarded.size >= MAX_GUARD_LINES) continue;
      this.#guarded.add(what);
      this.#warn(`the guard of this service limits ${what}`);
    }
  }
}
