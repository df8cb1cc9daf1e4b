/** Maximum number of errors to read, also of a chain of causes that is a circle. */
const MAX_ERRORS = 32;

/**
 * The fields in which libraries store the cause of an error: `cause` is the standard one, `original` is Sequelize's,
 * `originalError` and `nativeError` are those of database drivers, `driverError` is TypeORM's and `networkError` is
 * Apollo's.
 */
const FIELDS = ['cause', 'original', 'originalError', 'driverError', 'nativeError', 'networkError'] as const;

type Wrapper = Partial<Record<(typeof FIELDS)[number] | 'errors', unknown>>;

/**
 * An error and its causes, breadth first: the error, then its direct causes (the fields in their order, then `errors`,
 * as an AggregateError has them), then theirs. Each occurs once; there are at most 32.
 *
 * @throws whatever a property throws when it is read.
 */
export function causesOf(error: object): readonly object[] {
  const found = new Set<object>([error]);
  for (const each of found) {
    for (const field of FIELDS) add(found, (each as Wrapper)[field]);
    const { errors } = each as Wrapper;
    if (Array.isArray(errors)) for (const one of errors.slice(0, MAX_ERRORS)) add(found, one);
    if (found.size >= MAX_ERRORS) break;
  }
  return [...found];
}

function add(found: Set<object>, error: unknown): void {
  if (typeof error === 'object' && error !== null && found.size < MAX_ERRORS) found.add(error);
}
