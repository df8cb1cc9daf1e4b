import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A wire on loopback that can be cut: what connects to `port` is connected to the target, or to each of several in
 * turn.
 */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Where connections go; a test may change it. */
  targets: readonly number[];
  #next = 0;

  constructor(...targets: number[]) {
    this.targets = targets;
    this.#server = createServer((near) => {
      this.#next += 1;
      const far = connect(this.targets[this.#next % this.targets.length]!, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Resets every connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}

/** Resets a connection. One that is being closed in order cannot be reset any more, and libuv would never drop it. */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
