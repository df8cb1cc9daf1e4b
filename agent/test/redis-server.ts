import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real redis-server on a free port of 127.0.0.1, which keeps nothing on disk. */
export interface RedisServer {
  readonly port: number;
  /** Ends it, as a crash would; `start` brings an empty one back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param clustered whether it is a node of a cluster. */
export async function startRedis({ clustered = false } = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fuseboard-redis-'));
  const port = await freePort();
  // The default port of the cluster's bus is 10,000 above the other, where connections have theirs.
  const more = clustered ? ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] : [];
  let process: ChildProcess;
  const start = () =>
    new Promise<void>((resolve, reject) => {
      const options = [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'no',
        ...more,
      ];
      process = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
      process.once('error', (error) => reject(new Error(`redis-server cannot be run; install it: ${error.message}`)));
      process.once('exit', (code) => reject(new Error(`redis-server ended with ${code} at its start`)));
      process.stdout!.on('data', (text) => {
        if (String(text).includes('Ready to accept connections')) resolve();
      });
    });
  const kill = () =>
    new Promise<void>((resolve) => {
      if (process.exitCode !== null || process.signalCode !== null) return resolve();
      process.once('exit', () => resolve());
      process.kill('SIGKILL');
    });
  await start();
  return {
    port,
    kill,
    start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port below those that systems give to connections, so that none is given it before the server listens there. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    const listens = new Promise((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    const port = randomInt(20_000, 32_000);
    server.listen(port, '127.0.0.1');
    if (!(await listens)) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
