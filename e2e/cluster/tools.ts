import { findBinaries } from './binaries.ts';
import { findHelm, findKubectl } from './kubectl.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

const { etcd, apiServer } = await findBinaries(log);
const kubectl = await findKubectl(log);
const helm = await findHelm(log);
process.stdout.write(`${JSON.stringify({ etcd, apiServer, kubectl, helm }, null, 2)}\n`);
