// The side that is called. `/fail` and `/recover` change how it answers from then on.
import { createServer } from 'node:http';

let status = 200;

createServer((request, response) => {
  if (request.url === '/fail') status = 503;
  if (request.url === '/recover') status = 200;
  response.writeHead(request.url === '/pay' ? status : 200).end(`${status}\n`);
}).listen(8080);

process.on('SIGTERM', () => process.exit(0));
