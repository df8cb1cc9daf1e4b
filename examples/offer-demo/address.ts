import { createServer } from 'node:net';

/** Where the demo listens: this machine only. */
export const HOST = '127.0.0.1';

/**
 * @returns the wanted port when it is free on the loopback address, otherwise another one that is. Absent: any free
 * port.
 */
export async function freePort(preferred = 0): Promise<number> {
  return (await bind(preferred)) ?? (await bind(0)) ?? Promise.reject(new Error(`no port is free on ${HOST}`));
}

function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
