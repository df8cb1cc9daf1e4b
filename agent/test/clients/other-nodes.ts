import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { Ports } from './failing-servers.ts';

const run = promisify(execFile);
const env = { ...process.env, NODE_OPTIONS: '' };

/** The older Nodes that the agent runs on. */
export const OTHER_NODES = ['20', '22'] as const;
export type OtherNode = (typeof OTHER_NODES)[number];

/**
 * Where a Node is.
 *
 * @param isOffline only one that this machine has is found; else it is fetched.
 * @throws when there is none.
 */
export async function pathOf(version: OtherNode, isOffline: boolean): Promise<string> {
  const args = [...(isOffline ? ['--offline'] : []), '-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'];
  const { stdout } = await run('npx', args, { env });
  return stdout.trim();
}

/** Measures the rows of the `fetch` of a Node, again and again as it is called, until the bundle is removed. */
export async function bundledRows(): Promise<{ of(node: string, ports: Ports): Promise<string[]>; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'fuseboard-clients-'));
  const bundle = join(folder, 'fetch-rows.mjs');
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'fetch-rows.ts')],
    outfile: bundle,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['fuseboard-source'],
    logLevel: 'error',
  });
  writeFileSync(bundle, outputFiles[0]!.contents);
  return {
    of: async (node, ports) => JSON.parse((await run(node, [bundle, JSON.stringify(ports)], { env })).stdout),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
