import { parseDuration } from '@fuseboard/schema/duration';

/** Why a spec is invalid: the dotted path of the field, from `spec` on, and the problem. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/**
 * Reads the fields of one object of a spec. An absent field has the given default. An invalid one has it too, and is
 * added to `problems`, which all sections of a spec share. Fields that are not read are ignored.
 */
export class Section {
  readonly problems: FieldError[];
  readonly #path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown, path: string, problems: FieldError[] = []) {
    this.problems = problems;
    this.#path = path;
    this.#fields = {};
    if (value === undefined) return;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      this.#fields = value as Record<string, unknown>;
    } else {
      problems.push({ field: path, message: `must be an object; it is ${shown(value)}` });
    }
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** Refuses the section when one of these fields is absent. */
  require(...names: string[]): void {
    for (const name of names) {
      if (!this.has(name)) this.problems.push({ field: `${this.#path}.${name}`, message: 'is required' });
    }
  }

  section(name: string): Section {
    return new Section(this.#fields[name], `${this.#path}.${name}`, this.problems);
  }

  /** The names of all fields, including undefined ones. */
  names(): string[] {
    return Object.keys(this.#fields);
  }

  /** A duration in milliseconds. */
  duration(name: string, absent: number): number {
    const value = this.#fields[name];
    if (value === undefined) return absent;
    const ms = parseDuration(value);
    return ms ?? this.#refuse(name, value, 'a duration such as 250ms, 30s or 1m30s, from 1ms to 24h', absent);
  }

  /** A whole number from `min` to `max`. */
  whole(name: string, max: number, absent: number, min = 1): number {
    const value = this.#fields[name];
    if (value === undefined) return absent;
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    return this.#refuse(name, value, `a whole number from ${min} to ${max}`, absent);
  }

  /** Any value, as JSON text; `null` when it is absent. */
  json(name: string): string {
    const value = this.#fields[name];
    try {
      return JSON.stringify(value ?? null) ?? this.#refuse(name, value, 'JSON', 'null');
    } catch {
      return this.#refuse(name, value, 'JSON', 'null');
    }
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.#fields[name];
    if (value === undefined) return absent;
    return typeof value === 'boolean' ? value : this.#refuse(name, value, 'true or false', absent);
  }

  /** One of a few words. */
  choice<W extends string>(name: string, words: readonly W[], absent: W): W {
    const value = this.#fields[name];
    if (value === undefined) return absent;
    if (words.includes(value as W)) return value as W;
    return this.#refuse(name, value, `one of ${words.join(', ')}`, absent);
  }

  /** A string that matches. */
  text(name: string, pattern: RegExp, what: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && pattern.test(value)) return value;
    return this.#refuse(name, value, what, undefined);
  }

  /** A list of at most `max` texts that match. */
  texts(name: string, max: number, pattern: RegExp, what: string): readonly string[] | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length > max) {
      return this.#refuse(name, value, `a list of at most ${max}, each ${what}`, undefined);
    }
    for (const [i, item] of value.entries()) {
      if (typeof item !== 'string' || !pattern.test(item)) return this.#refuse(`${name}[${i}]`, item, what, undefined);
    }
    return [...(value as string[])];
  }

  /** A list of at most `max` objects. */
  sections(name: string, max: number): readonly Section[] {
    const value = this.#fields[name];
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.length > max) {
      return this.#refuse(name, value, `a list of at most ${max} objects`, []);
    }
    return value.map((item, i) => new Section(item ?? null, `${this.#path}.${name}[${i}]`, this.problems));
  }

  #refuse<T>(name: string, value: unknown, expected: string, absent: T): T {
    this.problems.push({ field: `${this.#path}.${name}`, message: `must be ${expected}; it is ${shown(value)}` });
    return absent;
  }
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
