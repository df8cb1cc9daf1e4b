import { breakerFetch } from '../../src/adapters/fetch.ts';
import { type Client, given, urlOf } from './client.ts';

/** The `fetch` of the Node that runs this. */
export const FETCH_CLIENTS: readonly Client[] = [
  {
    name: `fetch of Node ${process.versions.node.split('.')[0]}`,
    by: '`breakerFetch`',
    speaks: 'http',
    lacks: ['limit'],
    call: async (breaker, target) => (await breakerFetch(breaker)(urlOf(target), given(target))).text(),
  },
  {
    name: `fetch of Node ${process.versions.node.split('.')[0]}, body read`,
    by: '`execute`',
    speaks: 'http',
    lacks: ['limit'],
    call: (breaker, target) =>
      breaker.execute(async ({ signal }) => {
        const response = await fetch(urlOf(target), { signal });
        await response.clone().text();
        return response;
      }, given(target)),
  },
];
