import { findHelm } from '../cluster/kubectl.ts';
import { findKubeRouter, findNodeBinaries } from './binaries.ts';
import { buildImages } from './images.ts';
import { requireNodes } from './requirements.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/** Makes ready what a cluster with nodes needs: programs and images. */
try {
  await requireNodes();
  await findNodeBinaries(log);
  await findKubeRouter(log);
  for (const major of [3, 4] as const) await findHelm(log, major);
  const { operator, services } = await buildImages(log);
  process.stdout.write(`${operator}\n${services}\n`);
} catch (error) {
  log((error as Error).message);
  process.exitCode = 1;
}
