import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What ten thousand used breakers of a library hold and do while nobody calls. */
export interface Memory {
  readonly library: string;
  readonly bytesEach: number;
  /** Timers that stay, for all of them together. */
  readonly timers: number;
  /** Of one core, for all of them together. */
  readonly idleCpuPercent: number;
}

const CHILD = fileURLToPath(
  new URL(`./memory-child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
);

async function ask(library: string, what: 'bytes' | 'timers'): Promise<Partial<Memory>> {
  const child = spawn(process.execPath, [...process.execArgv, '--expose-gc', CHILD, library, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the process with 10,000 breakers of ${library} ended with ${code}`);
  return JSON.parse(output) as Partial<Memory>;
}

/** Measures each library in processes of its own, less what a process without breakers holds. */
export async function measureMemory(libraries: readonly string[], say: (line: string) => void): Promise<Memory[]> {
  const nothing = (await ask('none', 'timers')).timers ?? 0;
  const measured: Memory[] = [];
  for (const library of libraries) {
    const { bytesEach = 0, idleCpuPercent = 0 } = await ask(library, 'bytes');
    const timers = ((await ask(library, 'timers')).timers ?? 0) - nothing;
    measured.push({ library, bytesEach, timers, idleCpuPercent: Number(idleCpuPercent.toFixed(2)) });
    say(
      `10,000 breakers            ${library.padEnd(10)} ${bytesEach} bytes each, ${timers} timers, ${idleCpuPercent.toFixed(2)} % of a core idle`,
    );
  }
  return measured;
}
