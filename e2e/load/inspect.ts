/** Loaded into the operator before its own code: tells the parent what it costs, and profiles it where asked. */
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

export type Request = { cmd: 'cost'; collect: boolean } | { cmd: 'profile' } | { cmd: 'profiled'; file: string };

export interface Cost {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Of all threads since the process began. */
  readonly cpuMs: number;
}

const session = new Session();

async function answer(request: Request): Promise<unknown> {
  if (request.cmd === 'cost') {
    if (request.collect) globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return { rssBytes: rss, heapBytes: heapUsed, cpuMs: (user + system) / 1_000 } satisfies Cost;
  }
  if (request.cmd === 'profile') {
    session.connect();
    await session.post('Profiler.enable');
    return session.post('Profiler.start');
  }
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return writeFile(request.file, JSON.stringify(profile));
}

process.on('message', async ({ id, ...request }: { id: number } & Request) => {
  process.send?.({ id, result: await answer(request) });
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
