/**
 * Prints how long command lines of the built operator take to start, against `node -e 0` on the same machine: the
 * fastest of several runs each, taken in turns. Run `npm run build -w @fuseboard/operator` first.
 *
 *     node scripts/startup-bench.ts [--runs 20] [--max 3]
 *
 * With `--max` it exits with 1 where a command line takes more times as long as `node -e 0`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MAIN = fileURLToPath(new URL('../operator/dist/main.js', import.meta.url));
const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' }, max: { type: 'string' } } });

const folder = mkdtempSync(join(tmpdir(), 'fuseboard-startup-'));
const policy = join(folder, 'payments.yaml');
writeFileSync(
  policy,
  'apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: payments }\nspec: { breakers: [payments] }\n',
);

const LINES: Readonly<Record<string, readonly string[]>> = {
  'node -e 0': ['-e', '0'],
  '--help': [MAIN, '--help'],
  'a Tab': [MAIN, 'complete-line', '--', 'get', ''],
  validate: [MAIN, 'validate', policy],
  lint: [MAIN, 'lint', policy],
  'simulate --help': [MAIN, 'simulate', '--help'],
};

const best = new Map<string, number>();
for (let run = 0; run < Number(values.runs); run += 1) {
  for (const [name, args] of Object.entries(LINES)) {
    const begun = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const took = performance.now() - begun;
    // 1: lint has a finding.
    if (status === null || status > 1) throw new Error(`${name} ended with ${status}: ${stderr}`);
    best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, took));
  }
}
rmSync(folder, { recursive: true });

const bare = best.get('node -e 0')!;
for (const [name, took] of best) {
  console.log(`${name.padEnd(18)}${took.toFixed(0).padStart(6)} ms  ${(took / bare).toFixed(1)} x`);
  if (values.max !== undefined && took / bare > Number(values.max)) process.exitCode = 1;
}
