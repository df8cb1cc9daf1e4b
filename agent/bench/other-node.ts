import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const bench = fileURLToPath(new URL('.', import.meta.url));

/**
 * Runs the benchmark on another Node, which may not know TypeScript: its files are bundled, and it uses the package as
 * built.
 *
 * @returns the exit code.
 */
export async function runOn(version: string, args: readonly string[]): Promise<number> {
  execFileSync(process.execPath, ['build.ts'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  });
  const bundle = await rolldown({
    input: { agent: `${bench}agent.ts`, 'memory-child': `${bench}memory-child.ts` },
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  });
  await bundle.write({
    dir: `${bench}.cache`,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name].mjs',
  });
  await bundle.close();
  const node = execFileSync('npx', ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
  }).trim();
  const at = args.indexOf('--node');
  const rest = args.filter((arg, i) => i !== at && i !== at + 1 && !arg.startsWith('--node='));
  const child = spawn(
    node,
    [`${bench}.cache/agent.mjs`, ...(at < 0 ? args.filter((arg) => !arg.startsWith('--node=')) : rest)],
    {
      stdio: 'inherit',
    },
  );
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
