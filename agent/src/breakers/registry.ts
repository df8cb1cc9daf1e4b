import { BREAKER_NAME_PATTERN } from '@fuseboard/schema/defaults';
import type { PolicySpec } from '@fuseboard/schema/types';
import { CoarseClock } from '../clock/coarse-clock.ts';
import type { Classify } from '../core/classify.ts';
import { exactNow } from '../core/clock.ts';
import { compile } from '../core/config/config.ts';
import type { Guard, GuardField } from '../core/config/guard.ts';
import { ConfigError } from '../errors/errors.ts';
import { warnProcess } from '../errors/warnings.ts';
import type { Breaker, TransitionEvent } from './breaker.ts';
import { GovernedBreaker } from './governed-breaker.ts';
import type { Governor, Runtime } from './governor.ts';
import { refuseUnknownFields } from './known-fields.ts';
import { describeThrown, Listeners } from './listeners.ts';
import { shareCallObservers } from './observers/call-observers.ts';
import { Overrides, overrideIndex } from './overrides.ts';
import { type GuardedItem, type PolicySet, underGuard } from './policy-set.ts';
import { RouteIndex } from './routes.ts';

/** A policy in code: the spec of a CircuitBreakerPolicy without `breakers` and `selector`. */
export type PolicyDefaults = DeepReadonly<Partial<PolicySpec>>;

/** Accepts `as const` values, and fields that may be undefined. */
type DeepReadonly<T> = T extends object
  ? { readonly [K in keyof T]: DeepReadonly<T[K]> | (undefined extends T[K] ? undefined : never) }
  : T;

export interface BreakerOptions {
  /** The spec that applies while no policy governs the breaker. Absent: calls pass and are counted. */
  readonly defaults?: PolicyDefaults | undefined;
  /**
   * Classifies the result or error of a call in code; `'error' in outcome` tells which it is. Undefined leaves the
   * classification to the policy's `classify`, and so does any other value that is not an outcome. If it throws, the
   * policy decides too, with a process warning.
   */
  readonly classify?: Classify | undefined;
}

/** The classifiers that code gave a breaker. */
interface GivenClassifiers {
  readonly first: Classify;
  /** The one in force; undefined after a reset of all breakers, when code may give another than the first. */
  given: Classify | undefined;
}

/** Absent `random` and `wallNow` default to those of the process. */
type RegistryEnvironment = Pick<Runtime, 'clock' | 'timeouts'> & Partial<Pick<Runtime, 'random' | 'wallNow'>>;

const NAME = new RegExp(BREAKER_NAME_PATTERN);
const UNGOVERNED: Governor = { ...governorOf('any', {}), source: 'none' };
const KEY: unique symbol = Symbol.for('fuseboard.agent/1');

/**
 * All breakers of a process, and the policies that govern them.
 *
 * @internal
 */
export class Registry {
  readonly #breakers = new Map<string, GovernedBreaker>();
  readonly #classifiers = new Map<GovernedBreaker, GivenClassifiers>();
  readonly #runtime: Runtime;
  /** The distinct defaults given in code, by their text. */
  readonly #defaults = new Map<string, Governor>();
  /** The first defaults of breakers that were given others as well. */
  readonly #firstDefaults = new Map<GovernedBreaker, Governor>();
  readonly #warned = new Set<string>();
  readonly #transitions = new Listeners<[Breaker, TransitionEvent]>();
  readonly #creations = new Listeners<[Breaker]>();
  readonly #applications = new Listeners<[PolicySet | undefined]>();
  #set: PolicySet | undefined;
  /** The set in force without the limits of the guard. */
  #given: PolicySet | undefined;
  #guard: Guard = {};
  /** Since when each override has been known. */
  readonly #began = new Map<string, number>();
  #guarded: readonly GuardedItem[] = [];
  #routes = new RouteIndex([]);
  readonly #overrides = new Overrides();

  constructor(runtime: RegistryEnvironment) {
    this.#runtime = {
      random: Math.random,
      wallNow: Date.now,
      ...runtime,
      guardedBy: (breaker) => this.#guardedBy(breaker),
      transitioned: (breaker, event) => this.#transitions.notify(`breaker "${breaker.name}"`, breaker, event),
    };
  }

  /** The set in force, within the limits of the guard; undefined before the first one. */
  get set(): PolicySet | undefined {
    return this.#set;
  }

  /**
   * The breaker of this name, created at the first call. All callers with the same name share one breaker. The first
   * defaults given for it stay; different ones later cause a process warning and come into force with the next
   * `reset()`.
   *
   * @throws {ConfigError} when the name or the defaults cannot be used.
   * @throws {TypeError} when the options or the defaults have a field that does not exist.
   */
  getBreaker(name: string, options?: BreakerOptions): Breaker {
    if (options !== undefined) refuseUnknownFields(name, options);
    const breaker = this.#breakers.get(name);
    if (options?.classify !== undefined && typeof options.classify !== 'function') throw badClassify(name);
    if (breaker === undefined) return this.#create(name, options);
    if (options?.defaults !== undefined) this.#offerDefaults(breaker, options.defaults);
    if (options?.classify !== undefined) this.#offerClassify(breaker, options.classify);
    return breaker;
  }

  /** Every breaker, in order of creation. */
  *breakers(): Iterable<GovernedBreaker> {
    yield* this.#breakers.values();
  }

  /** Whether no condition can open the circuit of a breaker. False in mode Disabled, where that is meant. */
  neverOpens({ name }: Breaker): boolean {
    const { mode, trip } = this.#breakers.get(name)!.circuit.config;
    return mode !== 'Disabled' && trip.conditions.length === 0;
  }

  /** The circuits for a report: every breaker, and the keys that need their own entries. */
  *reported(isPending: (name: string, key: string) => boolean): Iterable<Breaker> {
    for (const breaker of this.#breakers.values()) {
      yield breaker;
      yield* breaker.listedKeys((key) => isPending(breaker.name, key));
    }
  }

  /** Applies a set of policies to existing and future breakers. Absent: no policies. */
  apply(set: PolicySet | undefined): void {
    this.#given = set;
    this.govern();
    this.#applications.notify('the registry', set);
  }

  /** Lets no policy and no override pass these limits, those in force included. */
  useGuard(guard: Guard): void {
    this.#guard = guard;
    this.govern();
  }

  /** What the guard changes in the policies and overrides in force. */
  get guarded(): readonly GuardedItem[] {
    return this.#guarded;
  }

  /** The fields of the guard that change what governs a breaker. */
  #guardedBy({ name, policy }: Breaker): readonly GuardField[] {
    const isOf = ({ uid, breakers }: GuardedItem) =>
      breakers === undefined
        ? uid === policy?.uid
        : new RouteIndex(breakers.map((route) => [route, uid])).uidFor(name) !== undefined;
    return [...new Set(this.#guarded.filter(isOf).map(({ by }) => by))];
  }

  /** Applies the set in force again, as when the guard changes or an override ends; notifies no listener. */
  govern(): void {
    const now = exactNow(this.#runtime.clock);
    const { set, guarded } =
      this.#given === undefined
        ? { set: undefined, guarded: [] }
        : underGuard(this.#given, this.#guard, this.#began, now);
    this.#set = set;
    this.#guarded = guarded;
    // A control plane may confirm the same routes again and again, and there may be many.
    if (set?.routes !== this.#routes.routes) this.#routes = new RouteIndex(set?.routes ?? []);
    const resets = this.#overrides.replaceAll(set?.overrides ?? [], now);
    const reset = overrideIndex(resets);
    for (const breaker of this.#breakers.values()) {
      breaker.govern(this.#governorOf(breaker.name, breaker.defaults));
      breaker.applyOverride(this.#overrides.forBreaker(breaker.name));
      const uid = resets.length === 0 ? undefined : reset.uidFor(breaker.name);
      if (uid !== undefined) breaker.resetFromOverride(resets.find((override) => override.uid === uid)!);
    }
  }

  /** Subscribes to every set of policies, after it is applied. @returns a function that ends the subscription. */
  onApply(listener: (set: PolicySet | undefined) => void): () => void {
    return this.#applications.add(listener);
  }

  /** Subscribes to the state changes of every breaker. @returns a function that ends the subscription. */
  onTransition(listener: (breaker: Breaker, event: TransitionEvent) => void): () => void {
    return this.#transitions.add(listener);
  }

  /** Subscribes to every new breaker. @returns a function that ends the subscription. */
  onCreate(listener: (breaker: Breaker) => void): () => void {
    return this.#creations.add(listener);
  }

  /**
   * Resets every breaker: closed, empty, and with the first defaults and the first classifier that code gave it, until
   * code gives others. Handles and listeners stay.
   */
  startOver(): void {
    // Defaults that are not in this map are from before, and others replace them.
    this.#defaults.clear();
    this.#warned.clear();
    for (const breaker of this.#breakers.values()) {
      const defaults = this.#firstDefaults.get(breaker) ?? breaker.defaults;
      breaker.startOver(this.#governorOf(breaker.name, defaults));
      const classifiers = this.#classifiers.get(breaker);
      if (classifiers === undefined) continue;
      classifiers.given = undefined;
      breaker.useClassifier(safeClassifier(breaker.name, classifiers.first));
    }
    this.govern();
  }

  /**
   * Replaces the clocks of all breakers, for tests; each breaker restarts.
   *
   * @returns the previous clocks.
   */
  useClock(clocks: Pick<Runtime, 'clock' | 'timeouts'>): Pick<Runtime, 'clock' | 'timeouts'> {
    const { clock, timeouts } = this.#runtime;
    Object.assign(this.#runtime, { clock: clocks.clock, timeouts: clocks.timeouts });
    this.startOver();
    return { clock, timeouts };
  }

  #create(name: string, { defaults, classify }: BreakerOptions = {}): Breaker {
    if (typeof name !== 'string' || !NAME.test(name)) throw badName(name);
    const own = defaults === undefined ? UNGOVERNED : this.#shared(governorOf(name, defaults));
    const breaker = new GovernedBreaker(name, this.#governorOf(name, own), this.#runtime);
    breaker.applyOverride(this.#overrides.forBreaker(name));
    if (classify !== undefined) this.#offerClassify(breaker, classify);
    this.#breakers.set(name, breaker);
    this.#creations.notify(`breaker "${name}"`, breaker);
    return breaker;
  }

  #offerDefaults(breaker: GovernedBreaker, defaults: PolicyDefaults): void {
    const { name } = breaker;
    const offered = this.#shared(governorOf(name, defaults));
    const { defaults: current } = breaker;
    if (offered === current) return;
    if (current !== UNGOVERNED && !this.#firstDefaults.has(breaker)) this.#firstDefaults.set(breaker, current);
    if (this.#defaults.get(current.text) !== current) {
      breaker.govern(this.#governorOf(name, offered));
      return;
    }
    breaker.offerDefaults(offered);
    this.#warnOther(name, 'defaults');
  }

  #offerClassify(breaker: GovernedBreaker, classify: Classify): void {
    const known = this.#classifiers.get(breaker) ?? { first: classify, given: undefined };
    if (known.given === undefined) {
      known.given = classify;
      this.#classifiers.set(breaker, known);
      breaker.useClassifier(safeClassifier(breaker.name, classify));
    } else if (known.given !== classify) this.#warnOther(breaker.name, 'classify');
  }

  #warnOther(name: string, what: 'defaults' | 'classify'): void {
    if (this.#warned.has(`${what} ${name}`)) return;
    this.#warned.add(`${what} ${name}`);
    warnProcess(
      `breaker "${name}" was given other ${what} before; those stay${what === 'defaults' ? ' until its reset()' : ''}. Give the same ${what} in every getBreaker("${name}").`,
      what === 'defaults' ? 'FUSEBOARD_DEFAULTS' : 'FUSEBOARD_CLASSIFY',
    );
  }

  /** Returns one shared governor for equal defaults, to save memory. */
  #shared(governor: Governor): Governor {
    const known = this.#defaults.get(governor.text);
    if (known !== undefined) return known;
    this.#defaults.set(governor.text, governor);
    return governor;
  }

  #governorOf(name: string, defaults: Governor): Governor {
    const uid = this.#routes.uidFor(name);
    const policy = uid === undefined ? undefined : this.#set?.policies.get(uid);
    if (policy === undefined) return defaults;
    return { source: 'policy', policy, text: policy.text, config: policy.config, defaults };
  }
}

/**
 * The registry of this process, shared by all loaded copies of the package.
 *
 * @internal
 */
export function registry(): Registry {
  const shared = globalThis as { [KEY]?: Registry };
  if (shared[KEY] === undefined) {
    const clock = new CoarseClock();
    shareCallObservers();
    shared[KEY] = new Registry({ clock, timeouts: clock });
  }
  return shared[KEY];
}

/**
 * Compiles the defaults of a breaker.
 *
 * @throws {ConfigError} when the spec is invalid.
 * @internal
 */
export function governorOf(name: string, spec: PolicyDefaults): Governor {
  const compiled = compile(spec);
  if (!compiled.ok) {
    throw new ConfigError(name, 0, `breaker "${name}" cannot use its defaults: ${compiled.field} ${compiled.message}`);
  }
  return { source: 'defaults', text: JSON.stringify(compiled.config), config: compiled.config };
}

const OUTCOMES: readonly unknown[] = ['success', 'failure', 'ignored'];

/** Wraps a classifier, because one that throws must not break a call. */
function safeClassifier(name: string, classify: Classify): Classify {
  let warned = false;
  return (outcome) => {
    try {
      const classified = classify(outcome);
      return OUTCOMES.includes(classified) ? classified : undefined;
    } catch (error) {
      if (!warned) {
        warned = true;
        warnProcess(`classify of breaker "${name}" threw: ${describeThrown(error)}`, 'FUSEBOARD_CLASSIFY');
      }
      return undefined;
    }
  };
}

function badClassify(name: string): ConfigError {
  return new ConfigError(name, 0, `classify of breaker "${name}" must be a function`);
}

function badName(name: unknown): ConfigError {
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 160)) : `a value of type ${typeof name}`;
  const message = `${shown} cannot name a breaker; use 1 to 128 letters, digits and . _ : / - that begin with a letter or digit`;
  return new ConfigError(String(name), 0, message);
}
