import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { freePort } from '../../examples/offer-demo/address.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { OperatorProcess } from '../processes/operator.ts';

let cluster: Cluster;
/** By what they meet. All at once, because each is patient for a while. */
const operators = new Map<string, OperatorProcess>();

beforeAll(async () => {
  cluster = await startCluster();
  for (const [what, flags] of CASES) operators.set(what, await OperatorProcess.launched(...(await flags())));
}, 600_000);
afterAll(async () => {
  await Promise.all([...operators.values()].map((operator) => operator.end()));
  await cluster?.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: a kubeconfig is broken in whatever way a test likes
async function broken(name: string, change: (kubeconfig: any) => void): Promise<string> {
  const kubeconfig = parse(await readFile(cluster.kubeconfig, 'utf8'));
  change(kubeconfig);
  const path = join(cluster.folder, name);
  await writeFile(path, stringify(kubeconfig));
  return `--kubeconfig=${path}`;
}

/** In a cluster without the definitions; what is looked at before them is told first. */
const CASES: [what: string, flags: () => Promise<string[]>, line: RegExp, code: number][] = [
  [
    'definitions that are missing',
    async () => [`--kubeconfig=${cluster.kubeconfig}`],
    /^fuseboard: the API server at https:\S+ does not serve circuitbreakerpolicies\S* \(404\); install the definitions: kubectl apply -f crds\/\n$/,
    3,
  ],
  [
    'a permission that is missing',
    async () => [`--kubeconfig=${(await cluster.serviceAccount('fuseboard', 'nobody', [])).kubeconfig}`],
    /^fuseboard: not allowed to list circuitbreakerpolicies\S* \(403\): .*; grant the operator's account the verbs list and watch on circuitbreakerpolicies of the group fuseboard\.dev\n$/,
    3,
  ],
  [
    'a token that counts no more',
    async () => [
      await broken('token', ({ users }) => {
        users[0].user.token = 'was-good-once';
      }),
    ],
    /^fuseboard: .* does not accept our credentials \(401\): .*; renew the token or the kubeconfig\n$/,
    3,
  ],
  [
    'an address where nothing is',
    async () => {
      const port = await freePort();
      const nowhere = (kubeconfig: { clusters: { cluster: { server: string } }[] }) => {
        kubeconfig.clusters[0]!.cluster.server = `https://127.0.0.1:${port}`;
      };
      return [await broken('address', nowhere)];
    },
    /^fuseboard: the API server at \S+ does not answer as one: .*; check the kubeconfig, or choose another with --kubeconfig or --context\n$/,
    3,
  ],
  [
    'an authority that has not signed the API server',
    async () => [
      await broken('authority', ({ clusters }) => {
        delete clusters[0].cluster['certificate-authority-data'];
      }),
    ],
    /^fuseboard: the API server at \S+ does not answer as one: .*certificate.*; check the kubeconfig/,
    3,
  ],
  [
    'a context that is not there',
    async () => [`--kubeconfig=${cluster.kubeconfig}`, '--context=production'],
    /^fuseboard: --context: there is no "production"; the kubeconfig has test\n$/,
    2,
  ],
];

it.each(CASES)(
  'an operator that meets %s ends with one line that says what to do',
  async (what, _flags, line, code) => {
    const operator = operators.get(what)!;
    expect(await operator.exit()).toBe(code);
    expect(operator.log).toMatch(line);
    expect(operator.log.trim().split('\n')).toHaveLength(1);
  },
  60_000,
);
