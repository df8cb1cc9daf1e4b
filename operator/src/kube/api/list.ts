import type { KubeClient, KubeRequest } from './client.ts';
import { type KubeObject, readList } from './object.ts';

const PAGE = 500;

/** Lists every object of a collection, page by page. Throws a KubeError when a page cannot be read. */
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
    // The API server returns null for the items of an empty metadata list.
    const { items, metadata } = readList(page?.items === null ? { ...page, items: [] } : page);
    objects.push(...items);
    next = metadata.continue || undefined;
  } while (next !== undefined);
  return objects;
}
