import type { z } from 'zod';

/**
 * The type of an answer of the admin API, from its schema. Handlers check their answers against it; the command line
 * and the page read answers with it. They import the type alone, so that the page holds no zod.
 */
export type Answer<Schema extends z.ZodType> = Frozen<z.infer<Schema>>;

type Frozen<T> = T extends readonly unknown[] | object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
