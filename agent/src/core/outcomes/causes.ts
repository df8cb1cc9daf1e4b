/** How many errors are looked at in all; a chain that is longer, or that leads back to itself, ends there. */
const MAX_ERRORS = 32;

/**
 * Where libraries keep the error that theirs is about: `cause` is the standard one, `original` is Sequelize's,
 * `originalError` and `nativeError` are those of drivers of databases, `driverError` is TypeORM's and `networkError` is
 * Apollo's. `errors` holds several, as that of an AggregateError does.
 */
interface Wrapper {
  readonly cause?: unknown;
  readonly original?: unknown;
  readonly originalError?: unknown;
  readonly driverError?: unknown;
  readonly nativeError?: unknown;
  readonly networkError?: unknown;
  readonly errors?: unknown;
}

/**
 * An error and what it was caused by, the outermost first: the error, then all that it names directly (the fields in
 * their order, `errors` last), then what these name. Each comes once, and no more than 32 do.
 *
 * @throws whatever a property throws when it is read.
 */
export function causesOf(error: object): readonly object[] {
  const found = [error];
  for (let i = 0; i < found.length && found.length < MAX_ERRORS; i++) {
    const { cause, original, originalError, driverError, nativeError, networkError, errors } = found[i] as Wrapper;
    // Most errors name none, and each failing call looks.
    if ((cause ?? original ?? originalError ?? driverError ?? nativeError ?? networkError ?? errors) === undefined) {
      continue;
    }
    for (const each of [cause, original, originalError, driverError, nativeError, networkError]) add(found, each);
    if (Array.isArray(errors)) for (const each of errors.slice(0, MAX_ERRORS)) add(found, each);
  }
  return found;
}

function add(found: object[], error: unknown): void {
  if (typeof error !== 'object' || error === null || found.length >= MAX_ERRORS || found.includes(error)) return;
  found.push(error);
}
