/** Loaded into a process before its own code: tells the parent what it costs and holds, and profiles it where asked. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

export type Request =
  | { cmd: 'cost'; collect: boolean }
  | { cmd: 'holds' }
  | { cmd: 'profile' }
  | { cmd: 'profiled'; file: string };

export interface Cost {
  readonly rssBytes: number;
  /** The most that `rssBytes` ever was; absent where there is no /proc. */
  readonly peakRssBytes?: number;
  readonly heapBytes: number;
  /** Of all threads since the process began. */
  readonly cpuMs: number;
}

/** What a process holds, after garbage was collected. */
export interface Holdings {
  readonly heapBytes: number;
  /** Outside the heap: buffers above all. */
  readonly externalBytes: number;
  readonly rssBytes: number;
  /** Sockets, timers and whatever else the loop waits for, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  /** Absent where there is no /proc. */
  readonly sockets?: number;
}

const session = new Session();

async function answer(request: Request): Promise<unknown> {
  if (request.cmd === 'cost') {
    if (request.collect) collect();
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const peakRssBytes = peakRss();
    return {
      rssBytes: rss,
      ...(peakRssBytes !== undefined && { peakRssBytes }),
      heapBytes: heapUsed,
      cpuMs: (user + system) / 1_000,
    } satisfies Cost;
  }
  if (request.cmd === 'holds') {
    // What a finalizer lets go is garbage of the next collection.
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return holdings();
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

/**
 * As when memory is short: else the young generation, which grows with the garbage of a while, counts as something
 * held.
 */
function collect(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

function holdings(): Holdings {
  const { heapUsed, external, rss } = process.memoryUsage();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  const sockets = openSockets();
  return {
    heapBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
    handles,
    ...(sockets !== undefined && { sockets }),
  };
}

/** That of `resourceUsage` counts the memory of the parent until this process began to run its own program. */
function peakRss(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1_024;
}

function openSockets(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const target = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  };
  return readdirSync('/proc/self/fd').filter((fd) => target(fd).startsWith('socket:')).length;
}

process.on('message', async ({ id, ...request }: { id: number } & Request) => {
  process.send?.({ id, result: await answer(request) });
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
