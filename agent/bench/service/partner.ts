/** The partner: answers every request after 50 ms, on the port that it is given. */
import { createServer } from 'node:http';

const ANSWERS_AFTER_MS = 50;
const port = Number(process.argv[2] ?? 0);
const server = createServer((_request, response) => {
  setTimeout(() => response.end('{"temperature":"hot"}'), ANSWERS_AFTER_MS);
});
server.listen(port, '127.0.0.1', () => {
  process.send?.((server.address() as { port: number }).port);
});
process.once('disconnect', () => process.exit());
