import type { Call, Outcome } from './call.ts';
import { classifier } from './classify.ts';
import { errorKind } from './names/error-kind.ts';
import { NameTable } from './names/name-table.ts';
import { pathTemplate } from './names/path-template.ts';
import type { Observation } from './observation.ts';
import type { ReadOptions, Selector } from './options.ts';
import { ReadError } from './read-error.ts';
import type { StatusRow } from './summary.ts';

const MAX_BREAKERS = 2_000;
const MAX_NAMES = 10_000;
const MAX_KINDS = 200;
/** The breaker of all calls when neither the recording nor the options name one. */
export const UNNAMED = 'all';

/** Converts observations to calls with names and outcome, and counts them. */
export class Census {
  readonly #options: ReadOptions;
  readonly #outcomeOf: (one: Observation) => Outcome;
  readonly #breakers = new NameTable('host', MAX_BREAKERS);
  readonly #instances = new NameTable('instance', MAX_NAMES);
  readonly #keys = new NameTable('key', MAX_NAMES);
  readonly #callers = new NameTable('caller', MAX_BREAKERS);
  readonly #errors = new NameTable('error', MAX_KINDS);
  readonly #plainPaths = new Set<string>();
  readonly #seen = new Map<string, { seen: string; outcome: Outcome; calls: number }>();
  readonly breakers = new Map<string, number>();
  readonly instances = new Map<string, number>();
  calls = 0;
  excluded = 0;
  withoutDuration = 0;

  /** @throws ReadError when the options contain an invalid status. */
  constructor(options: ReadOptions) {
    this.#options = options;
    this.#outcomeOf = classifier(options);
  }

  /** Converts an observation to a call; undefined when it is excluded or belongs to another breaker. */
  call(one: Observation): Call | undefined {
    const { exclude, breaker: asked, breakerFrom, keyFrom } = this.#options;
    if (exclude?.some(({ attribute, matches }) => matches(one[attribute] ?? ''))) {
      this.excluded++;
      return undefined;
    }
    const breaker = this.#breakers.keep(
      (breakerFrom === undefined ? (one.breaker ?? one.host) : selected(one, breakerFrom)) ?? asked ?? UNNAMED,
    );
    this.breakers.set(breaker, (this.breakers.get(breaker) ?? 0) + 1);
    if (asked !== undefined && breaker !== asked) return undefined;
    const outcome = this.#outcomeOf(one);
    const call: Call = { start: rounded(one.start, 1e3), durationMs: rounded(one.durationMs, 1e6), outcome, breaker };
    const key = keyFrom === undefined ? (one.key ?? this.#template(one.path)) : selected(one, keyFrom);
    if (one.status !== undefined) call.status = one.status;
    if (one.error !== undefined) call.error = this.#errors.keep(errorKind(one.error));
    if (key !== undefined) call.key = this.#keys.keep(key);
    if (one.from !== undefined) call.from = this.#callers.keep(one.from);
    if (one.instance !== undefined) {
      call.instance = this.#instances.keep(one.instance);
      this.instances.set(call.instance, (this.instances.get(call.instance) ?? 0) + 1);
    }
    this.#count(call);
    return call;
  }

  statusTable(): StatusRow[] {
    return [...this.#seen.values()].sort((a, b) => b.calls - a.calls);
  }

  /** Notes about names for the user. */
  notes(): string[] {
    const notes: string[] = [];
    const tables = [this.#breakers, this.#instances, this.#keys, this.#callers];
    if (tables.some((table) => table.hidAddresses)) notes.push('Addresses are replaced by numbered names.');
    if (this.#breakers.overflowed)
      notes.push(`Over ${MAX_BREAKERS} breakers were named; name them from something coarser.`);
    if (this.#keys.overflowed) notes.push(`Over ${MAX_NAMES} keys were named; the others are counted together.`);
    if (this.instances.size === 0) notes.push('No instance is named: whether one process called or many is not known.');
    if (this.#options.breaker === undefined && this.breakers.size > 1)
      notes.push(`The recording holds ${this.breakers.size} breakers; each is judged apart.`);
    if (this.withoutDuration > 0 && this.withoutDuration < this.calls)
      notes.push(`${this.withoutDuration} calls have no duration; they cannot be slow calls.`);
    return notes;
  }

  /** @throws ReadError with the known breakers when no calls are left. */
  check(paths: readonly string[]): void {
    if (this.calls > 0) return;
    const names = [...this.breakers]
      .sort(([, a], [, b]) => b - a)
      .slice(0, 5)
      .map(([name, calls]) => `${name} (${calls} calls)`);
    if (names.length > 0)
      throw new ReadError(`no call is of breaker "${this.#options.breaker}"; there are ${names.join(', ')}`);
    if (this.excluded > 0) throw new ReadError(`all ${this.excluded} calls are excluded; exclude less`);
    throw new ReadError(`${paths.join(', ')}: no calls were found`);
  }

  #count(call: Call): void {
    this.calls++;
    if (Number.isNaN(call.durationMs)) this.withoutDuration++;
    const seen = call.error ?? (call.status === undefined ? 'none' : String(call.status));
    const key = `${seen} ${call.outcome}`;
    const row = this.#seen.get(key);
    if (row === undefined) this.#seen.set(key, { seen, outcome: call.outcome, calls: 1 });
    else row.calls++;
  }

  /** Caches paths that are their own templates, because these repeat. Paths with ids or queries seldom do. */
  #template(path: string | undefined): string | undefined {
    if (path === undefined || this.#plainPaths.has(path)) return path;
    const template = pathTemplate(path);
    if (template === path && this.#plainPaths.size < MAX_NAMES) {
      this.#plainPaths.add(Buffer.from(path, 'utf8').toString('utf8'));
    }
    return template;
  }
}

/** Rounds away floating-point noise below microseconds of a time and nanoseconds of a duration. */
function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}

function selected(one: Observation, { attribute, pattern }: Selector): string | undefined {
  const value = attribute === 'path' && one.path !== undefined ? pathTemplate(one.path) : one[attribute];
  if (pattern === undefined || value === undefined) return value;
  return pattern.exec(value)?.[1];
}
