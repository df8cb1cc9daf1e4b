import { types } from 'node:util';

/** A value with more parts counts as not plain, which bounds the time of the check. */
const MAX_PARTS = 1_000_000;

/** Whether a value has nothing in it that a copy would lose: no function, no symbol and no object of a class. */
export function isPlainData(value: unknown): boolean {
  if (!isObject(value)) return isPlainLeaf(value);
  const parts = new Set<object>([value]);
  for (const part of parts) {
    const inner = partsOf(part);
    if (inner === undefined) return false;
    for (const each of inner) {
      if (isObject(each)) parts.add(each);
      else if (!isPlainLeaf(each)) return false;
    }
    if (parts.size > MAX_PARTS) return false;
  }
  return true;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isPlainLeaf(value: unknown): boolean {
  return typeof value !== 'function' && typeof value !== 'symbol';
}

/** The values that an object contains; undefined where the object is more than plain data. */
function partsOf(object: object): Iterable<unknown> | undefined {
  if (types.isProxy(object)) return undefined;
  if (types.isDate(object) || types.isArrayBuffer(object)) return [];
  // The copy of a Buffer would be a Uint8Array.
  if (ArrayBuffer.isView(object)) return Buffer.isBuffer(object) ? undefined : [];
  if (types.isMap(object)) return [...object].flat();
  if (types.isSet(object)) return object;
  if (Array.isArray(object)) return object;
  const prototype = Object.getPrototypeOf(object);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && Object.getOwnPropertySymbols(object).length === 0 ? Object.values(object) : undefined;
}
