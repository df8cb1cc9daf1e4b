import fc from 'fast-check';
import type { Random } from './random.ts';

/** Texts at which parsers have failed before. */
const TEXTS = [
  '',
  '\0',
  '\r',
  '\n',
  '\r\n',
  ': ',
  'data:',
  'id: \0',
  '\uFEFF',
  '\uD800',
  '\u2028',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '*',
  '**',
  '-1',
  '1e309',
  '9007199254740993',
  '99999999999999999999',
  '0x10',
  '1h1m1s1ms',
  '24h1ms',
  '0ms',
  '%s%n',
  '../../etc/passwd',
  "' OR 1=1 --",
  '&a [*a]',
  '<<: *a',
  '!!js/function x',
  'Fri, 31 Dec 9999 23:59:59 GMT',
  'a'.repeat(65),
  'a'.repeat(300),
] as const;

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  0.5,
  1e300,
  -1e300,
  2 ** 31,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[]],
  [null],
  { '': '' },
  ...TEXTS,
];

/** Changes bytes: flips, cuts, repeats, swaps and strange texts. `others` are spliced in. */
export function mutateBytes(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + random.size(Math.max(1, bytes.length)));
  const [before, within, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (random.below(8)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[at % flipped.length]! ^= 1 << random.below(8);
      return flipped;
    }
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, within, within, after]);
    case 3:
      return Buffer.concat([before, Buffer.from(random.pick(TEXTS)), after]);
    case 4:
      return Buffer.concat([before, Buffer.from([random.below(256)]), within, after]);
    case 5:
      return Buffer.concat([before, ...Array.from({ length: random.size(64) }, () => within.subarray(0, 64)), after]);
    case 6: {
      const other = random.pick(others);
      return Buffer.concat([before, other.subarray(random.below(other.length + 1))]);
    }
    default: {
      const text = bytes.toString('latin1');
      const number = String(random.pick([0, -1, random.below(100), 2 ** 31, 2 ** 53, 10 ** 20]));
      let seen = random.below(8);
      return Buffer.from(
        text.replace(/-?\d+/g, (found) => (seen-- === 0 ? number : found)),
        'latin1',
      );
    }
  }
}

/** Changes one place in a tree of JSON: another value, a missing or a doubled part, a strange name. */
export function mutateJson(value: unknown, random: Random): unknown {
  const parts: [holder: Record<string, unknown>, key: string][] = [];
  const copy = clone({ '': value }) as Record<string, unknown>;
  const walk = (holder: object) => {
    for (const key of Object.keys(holder)) {
      parts.push([holder as Record<string, unknown>, key]);
      const inner = (holder as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null) walk(inner);
    }
  };
  walk(copy);
  const [holder, key] = random.pick(parts);
  const [otherHolder, otherKey] = random.pick(parts);
  const set = (name: string, next: unknown) =>
    Object.defineProperty(holder, name, { value: next, enumerable: true, configurable: true, writable: true });
  switch (random.below(7)) {
    case 0:
      set(key, random.pick(VALUES));
      break;
    case 1:
      if (holder !== copy) delete holder[key];
      break;
    case 2:
      if (Array.isArray(holder)) holder.push(clone(holder[Number(key)]));
      else set(random.pick(TEXTS), clone(holder[key]));
      break;
    case 3:
      set(key, clone(otherHolder[otherKey]));
      break;
    case 4:
      if (Array.isArray(holder)) {
        const times = random.size(300);
        for (let i = 0; i < times; i += 1) holder.push(holder[Number(key)]);
      } else
        set(
          key,
          Array.from({ length: random.size(100) }, () => holder[key]),
        );
      break;
    case 5:
      if (typeof holder[key] === 'number') set(key, (holder[key] as number) * random.pick([-1, 2, 1e3, 1e9, 0.1]));
      else if (typeof holder[key] === 'string') set(key, (holder[key] as string) + random.pick(TEXTS));
      break;
    default: {
      let deep: unknown = random.pick(VALUES);
      const depth = random.size(200);
      for (let i = 0; i < depth; i += 1) deep = random.chance(50) ? [deep] : { a: deep };
      set(key, deep);
    }
  }
  return copy[''];
}

/** Puts another value into a text of JSON: one that is nested deeper than a stack is. */
export function deepen(json: string, random: Random): string {
  const places = [...json.matchAll(/"[^"\\]*"(?!:)|\d+|true|false|null/g)];
  if (places.length === 0) return json;
  const { index, 0: found } = random.pick(places);
  const depth = random.size(40_000);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ]);
  return `${json.slice(0, index)}${open!.repeat(depth)}0${close!.repeat(depth)}${json.slice(index + found.length)}`;
}

const clone = (value: unknown) => (value === undefined ? value : JSON.parse(JSON.stringify(value)));

const ARBITRARY = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.webUrl({ withQueryParameters: true }),
  fc
    .array(
      fc.tuple(fc.string(), fc.string()).map(([key, value]) => `${key}=${value}`),
      { maxLength: 20 },
    )
    .map(String),
);

/** A text that owes nothing to the corpus. */
export const anything = (random: Random): Buffer =>
  Buffer.from(fc.sample(ARBITRARY, { seed: random.bits() | 0, numRuns: 1 })[0]!);
