import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';

const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url));

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
}, 900_000);

afterAll(() => cluster?.stop());

describe('kubectl apply', () => {
  it.each(['policies', 'offer-demo/policies'])(
    'takes examples/%s as it stands, and finds nothing to change again',
    async (name) => {
      const folder = join(EXAMPLES, name);
      const policies = readdirSync(folder).map(
        (file) => `circuitbreakerpolicy.fuseboard.dev/${file.replace('.yaml', '')}`,
      );
      const apply = async () => (await cluster.kubectl('apply', '-f', folder)).trim().split('\n').sort();
      expect(await apply()).toEqual(policies.map((policy) => `${policy} created`).sort());
      expect(await apply()).toEqual(policies.map((policy) => `${policy} unchanged`).sort());
    },
  );
});
