/** How many errors are looked at in all; a chain that is longer, or that leads back to itself, ends there. */
const MAX_ERRORS = 32;

/**
 * Where libraries keep the error that theirs is about: `cause` is the standard one, `original` is Sequelize's,
 * `originalError` and `nativeError` are those of drivers of databases, `driverError` is TypeORM's and `networkError` is
 * Apollo's.
 */
const FIELDS = ['cause', 'original', 'originalError', 'driverError', 'nativeError', 'networkError'] as const;

type Wrapper = Partial<Record<(typeof FIELDS)[number] | 'errors', unknown>>;

/**
 * An error and what it was caused by, the outermost first: the error, then all that it names directly (the fields in
 * their order, then `errors` as an AggregateError has them), then what these name. Each comes once, and no more than 32
 * do.
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
