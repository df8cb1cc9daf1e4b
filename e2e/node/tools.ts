import { findHelm } from '../cluster/kubectl.ts';
import { findNodeBinaries } from './binaries.ts';
import { buildImages } from './images.ts';
import { requireNodes } from './requirements.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/**
 * Makes ready what a cluster with nodes needs: programs and images. With `--check`, only checks that this machine can
 * run nodes, with addresses of IPv6 too. What enforces NetworkPolicies is built by the test that needs it.
 */
try {
  const checks = process.argv.includes('--check');
  await requireNodes(checks ? 'IPv6' : 'IPv4');
  if (!checks) await makeReady();
} catch (error) {
  log((error as Error).message);
  process.exitCode = 1;
}

async function makeReady(): Promise<void> {
  await findNodeBinaries(log);
  for (const major of [3, 4] as const) await findHelm(log, major);
  const { operator, services } = await buildImages(log);
  process.stdout.write(`${operator}\n${services}\n`);
}
