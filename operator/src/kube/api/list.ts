import type { KubeClient, KubeRequest } from './client.ts';
import { type KubeObject, readList } from './object.ts';

const PAGE = 500;

/** Every object of a collection, page by page. Throws a KubeError when one page cannot be had. */
export async function listAll(
  client: KubeClient,
  path: string,
  { query, ...options }: Pick<KubeRequest, 'query' | 'accept'> = {},
): Promise<KubeObject[]> {
  const objects: KubeObject[] = [];
  let next: string | undefined;
  do {
    const page = await client.request<{ items?: unknown } | undefined>(path, {
      ...options,
      query: { ...query, limit: String(PAGE), continue: next },
    });
    // An empty list of metadata has null for its items.
    const { items, metadata } = readList(page?.items === null ? { ...page, items: [] } : page);
    objects.push(...items);
    next = metadata.continue || undefined;
  } while (next !== undefined);
  return objects;
}
