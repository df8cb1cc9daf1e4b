import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Passes requests on to `target`, and ends an answer of events after its first commit, for a client that waits until an
 * answer is over.
 */
export async function passOn(target: URL): Promise<{ readonly url: string; close(): void }> {
  const server: Server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const onward = request({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.statusMessage, answer.headers);
      const events = answer.headers['content-type']?.startsWith('text/event-stream');
      let text = '';
      answer.on('data', (chunk: Buffer) => {
        outgoing.write(chunk);
        text = (text + chunk.toString('latin1')).slice(-4_096);
        if (!events || !/\nevent: (commit|insync)\n.*?\n\n/s.test(`\n${text}`)) return;
        outgoing.end();
        onward.destroy();
      });
      answer.on('end', () => outgoing.end());
      answer.on('error', () => outgoing.end());
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
