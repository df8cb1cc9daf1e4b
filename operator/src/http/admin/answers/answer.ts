import type { z } from 'zod';

/**
 * What an answer of the admin API holds, by its schema. Handlers check what they send against it; the command line and
 * the page read answers as it. They import the type alone, so that the page holds no zod.
 */
export type Answer<Schema extends z.ZodType> = Frozen<z.infer<Schema>>;

type Frozen<T> = T extends readonly unknown[] | object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
