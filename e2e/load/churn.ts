/**
 * Ten thousand policies of which some are edited, deleted and created again all the time: how long a new policy waits
 * until the operator has accepted it.
 *
 *     npm run bench:churn [-- --policies 10000 --minutes 10 --edits 5 --replaced 1]
 *
 * Ends with 1 when the 99th percentile is 5 s or more, or a policy is never accepted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { GROUP, VERSION } from '@fuseboard/schema';
import { CustomObjectsApi, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { startCluster } from '../cluster/cluster.ts';
import { StartedOperator } from './operator.ts';
import { type PolicyObject, policiesOf } from './policies.ts';
import { quantiles } from './quantiles.ts';
import { clusterStore } from './store.ts';

const ACCEPTED_MS = 5_000;
const GIVEN_UP_MS = 120_000;
/** Between two new policies. */
const NEW_EVERY_MS = 500;
const ASK_EVERY_MS = 50;
const NAMESPACE = 'load';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '10000' },
    minutes: { type: 'string', default: '10' },
    edits: { type: 'string', default: '5' },
    replaced: { type: 'string', default: '1' },
  },
});
const positive = (text: string) => {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`"${text}" is not a number above 0`);
  return value;
};
const count = Math.ceil(positive(values.policies));
const [minutes, editsPerSecond, replacedPerSecond] = [values.minutes, values.edits, values.replaced].map(positive) as [
  number,
  number,
  number,
];

interface Status {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const cluster = await startCluster();
let operator: StartedOperator | undefined;
try {
  await cluster.applyCrds();
  await cluster.namespace(NAMESPACE);
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  const resource = { group: GROUP, version: VERSION, namespace: NAMESPACE, plural: 'circuitbreakerpolicies' };
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  /** Resolves with how long it took from now, in ms; undefined when it was not accepted in time. */
  const accepted = async (name: string, withinMs: number): Promise<number | undefined> => {
    const begun = performance.now();
    for (;;) {
      const { status } = (await api.getNamespacedCustomObject({ ...resource, name })) as Status;
      const waited = performance.now() - begun;
      if (status?.conditions?.some((one) => one.type === 'Accepted' && one.status === 'True')) return waited;
      if (waited > withinMs) return undefined;
      await sleep(ASK_EVERY_MS);
    }
  };
  const policies = policiesOf(NAMESPACE, count, 10);
  await clusterStore(cluster.kubeconfig, NAMESPACE).put(policies);
  const fast = ['--status-writes-per-second=1000', '--history-writes-per-second=1000'];
  operator = await StartedOperator.start(`--kubeconfig=${cluster.kubeconfig}`, ...fast);
  // What is measured is a fleet that has been there for long, not the first start of an operator.
  for (const { metadata } of policies) await accepted(metadata.name, Number.POSITIVE_INFINITY);
  await operator.kill();
  operator = await StartedOperator.start(`--kubeconfig=${cluster.kubeconfig}`);

  const end = performance.now() + minutes * 60_000;
  const lasts = () => performance.now() < end;
  const any = () => policies[Math.floor(Math.random() * policies.length)]!;
  /** Does something so many times a second, one after another. */
  const paced = async (perSecond: number, work: (turn: number) => Promise<unknown>) => {
    let turns = 0;
    for (const begun = performance.now(); lasts(); turns += 1) {
      await work(turns);
      await sleep(Math.max(0, begun + (turns * 1_000) / perSecond - performance.now()));
    }
    return turns;
  };
  const create = (body: PolicyObject) => api.createNamespacedCustomObject({ ...resource, body });
  const remove = (name: string) => api.deleteNamespacedCustomObject({ ...resource, name });
  let next = Promise.resolve();
  /** An edit does not meet a policy that is being replaced. */
  const exclusively = (work: () => Promise<unknown>) => {
    next = next.then(async () => void (await work()));
    return next;
  };
  const edit = (turn: number) =>
    exclusively(() => {
      const { name } = any().metadata;
      const body = { spec: { trip: { consecutiveFailures: 2 + (turn % 90) } } };
      return api.patchNamespacedCustomObject({ ...resource, name, body }, merge);
    });
  const replace = () =>
    exclusively(async () => {
      const policy = any();
      await remove(policy.metadata.name);
      await create(policy);
    });

  const times: number[] = [];
  const waiting = new Set<Promise<void>>();
  let lost = 0;
  const measure = async (name: string) => {
    const waited = await accepted(name, GIVEN_UP_MS);
    if (waited === undefined) lost += 1;
    else times.push(waited);
    await remove(name);
  };
  const add = async (turn: number) => {
    const [policy] = policiesOf(NAMESPACE, 1, 0) as [PolicyObject];
    const name = `fresh-${turn}`;
    await create({ ...policy, metadata: { ...policy.metadata, name }, spec: { ...policy.spec, breakers: [name] } });
    const one = measure(name).finally(() => waiting.delete(one));
    waiting.add(one);
  };
  const [edits, replaced, added] = await Promise.all([
    paced(editsPerSecond, edit),
    paced(replacedPerSecond, replace),
    paced(1_000 / NEW_EVERY_MS, add),
  ]);
  await Promise.all(waiting);

  const { p50, p99, max } = quantiles(times);
  const { rssBytes } = await operator.cost();
  console.log(`${count} policies for ${minutes} min: ${edits} edits, ${replaced} deleted and created again`);
  console.log(`${added} new ones, ${lost} of them never accepted`);
  console.log(`Accepted after: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms`);
  console.log(`the operator has ${(rssBytes / 2 ** 20).toFixed(0)} MiB`);
  if (lost > 0 || !(p99 < ACCEPTED_MS)) process.exitCode = 1;
} finally {
  await operator?.kill();
  await cluster.stop();
}
