import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { startCluster } from '../cluster/cluster.ts';
import { Crowd } from './crowd.ts';
import { monotonic } from './monotonic.ts';
import { StartedOperator } from './operator.ts';
import { quiet } from './phases.ts';
import { podTokens } from './pods.ts';
import { policiesOf, WATCHED } from './policies.ts';
import { clusterStore, metricsOf, requestsIn } from './store.ts';

/** Pods are made for at most so many agents; further ones share them, and so their tokens and reviews. */
const MOST_PODS = 3_000;
const NAMESPACE = 'load';

/** What it costs that every agent shows a token, of which a real API server is asked. */
export interface Reviews {
  readonly agents: number;
  readonly tokens: number;
  readonly openedMs: number;
  readonly reportsPerSecond: number;
  readonly failed: number;
  readonly reviewsPerSecond: number;
  /** Of the operator, reviews included. */
  readonly cpuMsPer1000Reports: number;
  readonly apiServerCpuMsPer1000Reviews: number;
}

/** Opens so many agents, each in a pod of its own, and watches their reports. */
export async function watchReviews(
  agents: number,
  { processes, report, ms }: { processes: number; report: 'keep' | 'close'; ms: number },
): Promise<Reviews> {
  const cluster = await startCluster();
  const crowd = new Crowd(processes);
  let operator: StartedOperator | undefined;
  try {
    await cluster.applyCrds();
    await cluster.namespace(NAMESPACE);
    await clusterStore(cluster.kubeconfig, NAMESPACE).put(policiesOf(NAMESPACE, 10, 10));
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const tokens = await podTokens(config, NAMESPACE, Math.min(agents, MOST_PODS));
    operator = await StartedOperator.start(
      `--kubeconfig=${cluster.kubeconfig}`,
      '--agent-auth=token-review',
      `--max-connections=${2 * agents + 100}`,
    );
    const { hostname: address, host, port } = new URL(operator.url);
    const openedMs = await crowd.open({
      group: 'agents',
      agents,
      place: { address, host, port: Number(port), namespace: NAMESPACE, headers: '' },
      sources: process.platform === 'linux' ? 250 : 1,
      watched: WATCHED,
      report,
      tokens,
    });
    await quiet(crowd);
    const read = async () => {
      const text = await metricsOf(config);
      const cpu = Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * 1_000;
      const [traffic, cost] = [await crowd.traffic('agents'), await operator!.cost()];
      return { at: monotonic(), reviews: requestsIn(text, 'tokenreviews'), apiServer: cpu, traffic, cost };
    };
    const before = await read();
    await sleep(ms);
    const after = await read();
    const took = (after.at - before.at) / 1_000;
    const reports = after.traffic.reports - before.traffic.reports;
    const reviews = after.reviews - before.reviews;
    return {
      agents,
      tokens: tokens.length,
      openedMs,
      reportsPerSecond: reports / took,
      failed: after.traffic.reportsFailed - before.traffic.reportsFailed,
      reviewsPerSecond: reviews / took,
      cpuMsPer1000Reports: ((after.cost.cpuMs - before.cost.cpuMs) / reports) * 1_000,
      apiServerCpuMsPer1000Reviews: ((after.apiServer - before.apiServer) / reviews) * 1_000,
    };
  } finally {
    await crowd.end();
    await operator?.kill();
    await cluster.stop();
  }
}
