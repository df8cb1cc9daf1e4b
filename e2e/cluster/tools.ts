import { findBinaries } from './binaries.ts';
import { findHelm, findKubectl } from './kubectl.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/** Makes ready what the tests on a cluster need, and prints where it is. */
try {
  const { etcd, apiServer } = await findBinaries(log);
  const kubectl = await findKubectl(log);
  const helm = await findHelm(log);
  const helm3 = await findHelm(log, 3);
  process.stdout.write(`${JSON.stringify({ etcd, apiServer, kubectl, helm, helm3 }, null, 2)}\n`);
} catch (error) {
  log((error as Error).message);
  process.exitCode = 1;
}
