import type { z } from 'zod';

/**
 * The type of an answer of the admin API, inferred from its schema. Handlers check their answers against this type, and
 * the command line and the page use it to read answers. They import only the type, so that zod is not bundled into the
 * page.
 */
export type Answer<Schema extends z.ZodType> = Frozen<z.infer<Schema>>;

type Frozen<T> = T extends readonly unknown[] | object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
