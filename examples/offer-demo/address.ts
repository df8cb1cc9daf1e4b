import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Where the demo listens: this machine only. */
export const HOST = '127.0.0.1';

/** Below those that systems give to connections, so that none is given it before a server listens there. */
const PORTS = [20_000, 32_000] as const;

const given = new Set<number>();

/**
 * @returns the wanted port when it is free on the loopback address, otherwise another one that was free a moment ago,
 * and that no earlier call returned. Absent: any such port.
 */
export async function freePort(preferred = 0): Promise<number> {
  let port = preferred;
  while (port === 0 || given.has(port) || !(await isFree(port))) port = randomInt(...PORTS);
  given.add(port);
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, HOST), 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
