/** Maximum number of errors to read, also of a chain of causes that is a circle. */
const MAX_ERRORS = 32;

/**
 * The fields in which libraries store the cause of an error: `cause` is the standard one, `original` is Sequelize's,
 * `originalError` and `nativeError` are those of database drivers, `driverError` is TypeORM's and `networkError` is
 * Apollo's.
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
 * An error and its causes, breadth first: the error, then its direct causes (the fields in their order, then `errors`,
 * as an AggregateError has them), then theirs. Each occurs once; there are at most 32.
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
