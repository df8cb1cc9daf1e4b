import { readFileSync } from 'node:fs';
import { z } from 'zod';

const file = new URL('../wire.schema.json', import.meta.url);
const { $defs } = JSON.parse(readFileSync(file, 'utf8')) as {
  $defs: Record<string, Parameters<typeof z.fromJSONSchema>[0]>;
};
const readers = new Map<string, z.ZodType>();

/** What is wrong with a message by the published schema, with where; empty when nothing is. */
export function faultsOf(name: string, message: unknown): string[] {
  const schema = $defs[name];
  if (schema === undefined) return [`wire.schema.json has no definition "${name}"`];
  let reader = readers.get(name);
  if (reader === undefined) {
    reader = z.fromJSONSchema(schema);
    readers.set(name, reader);
  }
  const { error } = reader.safeParse(message);
  return (error?.issues ?? []).map(({ path, message: text }) => `${name} ${path.join('.')}: ${text}`);
}
