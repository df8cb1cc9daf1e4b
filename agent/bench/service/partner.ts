/** The partner: answers every request after 200 ms, on the port that it is given. */
import { createServer } from 'node:http';

/** So long that 200 connections wait for the partner rather than for this machine. */
const ANSWERS_AFTER_MS = 200;
const port = Number(process.argv[2] ?? 0);
const server = createServer((_request, response) => {
  setTimeout(() => response.end('{"temperature":"hot"}'), ANSWERS_AFTER_MS);
});
server.listen(port, '127.0.0.1', () => {
  process.send?.((server.address() as { port: number }).port);
});
process.once('disconnect', () => process.exit());
