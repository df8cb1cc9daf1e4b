import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { Override } from '../../operator/src/core/policy/override.ts';
import type { Policy } from '../../operator/src/core/policy/policy.ts';
import { kubernetesStatusSink } from '../../operator/src/kube/write/status-writer.ts';
import { kubernetesSource } from '../../operator/src/sources/kubernetes.ts';
import { type Cluster, type PolicyRule, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { Installed, SYSTEM } from './installed.ts';
import { makePod, openStream, podToken } from './pods.ts';

/** The roles of the release, as kubectl names them. */
const ROLES = [
  ['clusterrole', `fuseboard.${SYSTEM}`],
  ['role', 'fuseboard-replicas', '-n', SYSTEM],
] as const;
/** Shorter than in production, so that a test sees a renewal. */
const TIMES = ['--replica-renew-period=1s', '--replica-expiry=4s', '--override-retention=1ms'];

let cluster: Cluster;
let installed: Installed;
/** In the order of the roles. */
let rules: PolicyRule[][];
let operator: OperatorProcess | undefined;
let edits = 0;

const edit = () => {
  edits += 1;
  const patch = JSON.stringify({ spec: { trip: { consecutiveFailures: edits + 1 } } });
  return cluster.kubectl('patch', 'cbp', 'payments', '-n', 'shop', '--type=merge', '-p', patch);
};
const setRules = (wanted: readonly (readonly object[])[]) =>
  Promise.all(
    ROLES.map((role, i) => {
      const patch = JSON.stringify([{ op: 'replace', path: '/rules', value: wanted[i] }]);
      return cluster.kubectl('patch', ...role, '--type=json', '-p', patch);
    }),
  );
const knock = async () =>
  openStream(operator!.agentsPort, installed.file('ca.crt'), await podToken(cluster, 'shop', 'checkout-1'));
const says = (message: RegExp) => eventually(() => message.test(operator!.log), 30_000);
/** What is said at the end. */
const leaves = async (message: RegExp) => {
  await says(/"msg":"leading"/);
  await eventually(async () =>
    (await cluster.kubectl('get', 'configmaps', '-n', SYSTEM, '-o', 'name')).includes('fuseboard-replica'),
  );
  await operator!.end('SIGTERM');
  await says(message);
};

type Use = (sink: ReturnType<typeof kubernetesStatusSink>, policy: Policy, override: Override) => () => void;

const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'the partner asked' };
const makeOverride = (duration: string) => {
  const object = {
    apiVersion: 'fuseboard.dev/v1alpha1',
    kind: 'CircuitBreakerOverride',
    metadata: { generateName: 'stop-', namespace: 'shop' },
    spec: { ...SPEC, duration },
  };
  return cluster.kubectl('create', '-f', '-', { input: JSON.stringify(object) });
};
/** What the admin API answers to one who asks for an override. */
const askForOverride = async () => {
  const response = await fetch(`http://127.0.0.1:${operator!.adminPort}/v1/overrides/shop`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${cluster.token}` },
    body: JSON.stringify({ ...SPEC, duration: '10m' }),
  });
  return `${response.status} ${await response.text()}`;
};

const writing: Use = (sink, policy) => {
  sink.write(policy, { observedGeneration: edits });
  return () => {};
};
const raising: Use = (sink, policy) => {
  const event = { type: 'Normal', reason: 'Programmed', message: 'again' } as const;
  const raise = setInterval(() => sink.event(policy, event), 50);
  return () => clearInterval(raise);
};

/** What each verb is for, and how one sees that it is missing. */
const FEATURES: Readonly<Record<string, readonly [what: string, proof: () => Promise<unknown>]>> = {
  'list circuitbreakerpolicies': [
    'the operator does not start',
    async () => {
      expect(await operator!.exit()).toBe(3);
      expect(operator!.log).toMatch(
        /^fuseboard: not allowed to list circuitbreakerpolicies.*grant the operator's account the verbs list and watch.*\n$/,
      );
    },
  ],
  'watch circuitbreakerpolicies': [
    'edits are not seen',
    async () => {
      await says(/not allowed to watch circuitbreakerpolicies.*grant the operator's account the verbs list and watch/);
      expect((await knock()).status).toBe(200);
    },
  ],
  'update circuitbreakerpolicies/status': [
    'status is not written',
    async () => {
      await edit();
      await says(
        /cannot write the status of policy shop\/payments now \(403\).*update on circuitbreakerpolicies\/status/,
      );
      expect((await knock()).status).toBe(200);
    },
  ],
  'create events': [
    'there are no Events',
    () => throughSink(raising, /event of policy.*403.*cannot create resource.*the verbs create and patch on events/),
  ],
  'get pods': [
    'labels are not known, so no agent is served',
    async () => {
      expect((await knock()).status).toBe(503);
      await says(/cannot get pods \(403\).*grant the operator's account the verb get on pods/);
    },
  ],
  'create tokenreviews': [
    'nobody is known, so no agent is served',
    async () => {
      expect((await knock()).status).toBe(503);
      await says(/cannot create tokenreviews \(403\).*grant the operator's account the verb create on tokenreviews/);
    },
  ],
  'create subjectaccessreviews': [
    'nobody may use the admin API',
    async () => {
      const token = await cluster.kubectl('create', 'token', 'fuseboard', '-n', SYSTEM);
      const headers = { authorization: `Bearer ${token.trim()}` };
      expect((await fetch(`http://127.0.0.1:${operator!.adminPort}/v1/policies`, { headers })).status).toBe(503);
      await says(
        /cannot create subjectaccessreviews \(403\).*grant the operator's account the verb create on subjectaccessreviews/,
      );
      expect((await knock()).status).toBe(200);
    },
  ],
  'get circuitbreakerpolicies': [
    'a status that was overtaken is not written again',
    () => throughSink(writing, /403.*the verbs get on circuitbreakerpolicies/),
  ],
  'patch events': [
    'an Event is not counted up',
    () => throughSink(raising, /event of policy.*403.*cannot patch resource.*the verbs create and patch on events/),
  ],
  'list circuitbreakeroverrides': [
    'there are no overrides, and policies are served',
    async () => {
      await says(/not allowed to list circuitbreakeroverrides.*grant the operator's account the verbs list and watch/);
      await operator!.ready();
      expect((await knock()).status).toBe(200);
    },
  ],
  'watch circuitbreakeroverrides': [
    'new overrides are not seen, and policies are served',
    async () => {
      await says(/not allowed to watch circuitbreakeroverrides.*grant the operator's account the verbs list and watch/);
      expect((await knock()).status).toBe(200);
    },
  ],
  'update circuitbreakeroverrides/status': [
    'status of overrides is not written',
    async () => {
      await makeOverride('10m');
      await says(
        /cannot write the status of override shop\/\S+ now \(403\).*update on circuitbreakeroverrides\/status/,
      );
    },
  ],
  'get circuitbreakeroverrides': [
    'a status of an override that was overtaken is not written again',
    async () => {
      await makeOverride('10m');
      await throughSink((sink, _policy, override) => {
        sink.write(override, { phase: 'Active' });
        return () => {};
      }, /403.*the verbs get on circuitbreakeroverrides/);
    },
  ],
  'create circuitbreakeroverrides': [
    'nobody makes an override through the admin API',
    async () => expect(await askForOverride()).toMatch(/^503 .*cannot create resource.*grant it to the ServiceAccount/),
  ],
  'attribute circuitbreakeroverrides': [
    'nobody makes an override through the admin API',
    async () =>
      expect(await askForOverride()).toMatch(/^503 .*created-by.*the verb attribute on circuitbreakeroverrides/),
  ],
  'delete circuitbreakeroverrides': [
    'overrides stay after their end',
    async () => {
      await makeOverride('1ms');
      await says(/cannot remove an override that has ended.*cannot delete resource.*grant it to the ServiceAccount/);
    },
  ],
  'list controllerrevisions': [
    'no history is kept',
    () =>
      says(/history of policies cannot be kept \(403\).*cannot list resource.*list, create and delete on controller/),
  ],
  'create controllerrevisions': [
    'no history is kept',
    async () => {
      await edit();
      await says(/history of policies cannot be kept \(403\).*cannot create resource.*on controllerrevisions/);
    },
  ],
  'delete controllerrevisions': [
    'old revisions stay',
    async () => {
      for (let i = 0; i < 12; i += 1) {
        await edit();
        await sleep(300);
      }
      await says(/history of policies cannot be kept \(403\).*cannot delete resource.*on controllerrevisions/);
    },
  ],
  'get leases': [
    'nobody leads',
    () =>
      says(/Lease of the leader cannot be read.*403.*cannot get resource.*the verbs get, create and update on leases/),
  ],
  'list leases': [
    'replicas do not know each other, and nobody leads',
    () => says(/not allowed to list leases.*grant the operator's account the verbs list and watch on leases/),
  ],
  'watch leases': [
    'replicas are seen late',
    () => says(/not allowed to watch leases.*grant the operator's account the verbs list and watch on leases/),
  ],
  'create leases': [
    'nobody leads',
    () =>
      says(
        /Lease of the leader cannot be.*written.*403.*cannot create resource.*the verbs get, create and update on leases/,
      ),
  ],
  'update leases': [
    'a replica shows no life',
    () => says(/Lease of this replica cannot be written.*403.*cannot update resource.*update and delete on leases/),
  ],
  'delete leases': [
    'a replica that ends is waited for',
    () => leaves(/cannot delete resource.*Lease of this replica was not removed/),
  ],
  'list configmaps': [
    'replicas do not know what others count, and nobody leads',
    () => says(/not allowed to list configmaps.*grant the operator's account the verbs list and watch on configmaps/),
  ],
  'watch configmaps': [
    'what others count is seen late',
    () => says(/not allowed to watch configmaps.*grant the operator's account the verbs list and watch on configmaps/),
  ],
  'create configmaps': [
    'others do not know what a replica counts',
    () => says(/counts of this replica cannot be stored.*403.*cannot create resource.*update and delete on configmaps/),
  ],
  'update configmaps': [
    'others do not know what a replica counts',
    () => says(/counts of this replica cannot be stored.*403.*cannot update resource.*update and delete on configmaps/),
  ],
  'delete configmaps': [
    'a replica that ends leaves what it counted',
    () => leaves(/cannot delete resource.*ConfigMap of this replica was not removed/),
  ],
};

/** Writes through the writer alone, with the chart's account, where the operator writes too seldom for a test. */
async function throughSink(use: Use, message: RegExp): Promise<void> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(await installed.account());
  const said: string[] = [];
  const log = { info: () => {}, warn: (_: object, line: string) => void said.push(line), error: () => {} };
  const source = kubernetesSource({ kubeConfig, log });
  source.start(() => {});
  await eventually(() => source.state().synced);
  const [policy] = source.state().policies.values();
  const [override] = source.state().overrides?.values() ?? [];
  await source.stop();
  const sink = kubernetesStatusSink({ kubeConfig, log, eventIntervalMs: 20 });
  const end = use(sink, policy as Policy, override as Override);
  try {
    await eventually(() => message.test(said.join('\n')) || Promise.reject(new Error(said.join('\n'))));
  } finally {
    end();
    await sink.stop();
  }
}

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster);
  await cluster.namespace('shop');
  await makePod(cluster, 'shop', 'checkout-1');
  await eventually(() => cluster.apply(policy('shop', 'payments', { breakers: ['payments'] })));
  rules = await Promise.all(
    ROLES.map(async (role) => JSON.parse(await cluster.kubectl('get', ...role, '-o', 'json')).rules),
  );
}, 600_000);

afterEach(async () => {
  await operator?.end();
  operator = undefined;
  await setRules(rules);
  await cluster.kubectl('delete', 'cbo', '--all', '-n', 'shop', '--ignore-not-found');
  await cluster.kubectl('delete', 'leases,configmaps', '-n', SYSTEM, '-l', 'fuseboard.dev/replicas=fuseboard');
  await cluster.kubectl('delete', 'lease', 'fuseboard', '-n', SYSTEM, '--ignore-not-found');
});
afterAll(() => cluster?.stop());

const verbsOf = (all: readonly PolicyRule[]) =>
  all.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)));

it('may do only what a test here shows to be needed', () => {
  expect(verbsOf(rules.flat()).sort()).toEqual(Object.keys(FEATURES).sort());
});

const cases = Object.entries(FEATURES).map(([without, [what, proof]]) => [without, what, proof] as const);

it.each(cases)(
  'without %s, %s, and a line says what to grant',
  async (without, _what, proof) => {
    const [verb, resource] = without.split(' ');
    const less = rules.map((role) =>
      role
        .map((rule) =>
          rule.resources.includes(resource!) ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : rule,
        )
        .filter(({ verbs }) => verbs.length > 0),
    );
    await setRules(less);
    const of = ({ resources }: PolicyRule) => resources.includes(resource!);
    const [group] = rules.flat().find(of)!.apiGroups;
    const where = rules[0]!.some(of) ? ['-A'] : ['-n', SYSTEM];
    const asked = group === '' ? resource! : resource!.replace(/(\/.*)?$/, (rest) => `.${group}${rest}`);
    const as = `--as=system:serviceaccount:${SYSTEM}:fuseboard`;
    await eventually(async () =>
      (
        await cluster.kubectl('auth', 'can-i', verb!, asked, ...where, as).catch((error: Error) => String(error))
      ).includes('no'),
    );
    operator = await OperatorProcess.launched(...(await installed.arguments()), ...TIMES);
    if (verb !== 'list') await operator.ready();
    await proof();
  },
  180_000,
);
