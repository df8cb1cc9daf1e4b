/** The least that can push bytes to many readers: a Node server that keeps its responses and writes to each. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monotonic } from './monotonic.ts';

export type Request =
  | { cmd: 'listen' }
  /** Answers with the time at which the first write began. */
  | { cmd: 'broadcast'; text: string };

const open = new Set<ServerResponse>();
const server = createServer((_request, response) => {
  open.add(response);
  response.on('close', () => open.delete(response));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: insync\ndata: {}\n\n');
});

function answer(request: Request): Promise<unknown> | unknown {
  if (request.cmd === 'broadcast') {
    const bytes = Buffer.from(request.text, 'latin1');
    const begun = monotonic();
    for (const response of open) response.write(bytes);
    return begun;
  }
  return new Promise((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => resolve((server.address() as AddressInfo).port));
  });
}

process.on('message', async ({ id, ...request }: { id: number } & Request) => {
  process.send?.({ id, result: await answer(request) });
});
process.on('disconnect', () => process.exit());
