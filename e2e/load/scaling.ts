/**
 * What larger fleets need, computed from figures that were measured: `node --conditions=fuseboard-source
 * e2e/load/scaling.ts`. It plays a fleet second by second and does not solve formulas, so that the two can be compared.
 */
import { pathToFileURL } from 'node:url';

/** What one replica and one agent cost, as `bench:fanout` measures it. */
export interface Costs {
  /** CPU of the operator in ms. */
  readonly cpuMsPerReport: number;
  readonly cpuMsPerPush: number;
  readonly cpuMsPerStream: number;
  readonly kilobytesPerAgent: number;
  readonly baseMegabytes: number;
  readonly bytesPerPush: number;
  readonly bytesPerReport: number;
}

/** Measured with 10,000 agents on one replica, rounded up; the memory with 1,000, which have both their connections. */
export const MEASURED: Costs = {
  cpuMsPerReport: 0.3,
  cpuMsPerPush: 0.02,
  cpuMsPerStream: 1,
  kilobytesPerAgent: 35,
  baseMegabytes: 150,
  bytesPerPush: 613,
  bytesPerReport: 900,
};

export interface Fleet {
  readonly agents: number;
  readonly replicas: number;
  /** Edits a minute, each of a policy that every agent has. */
  readonly editsPerMinute: number;
  readonly policiesChanging: number;
}

/** What the protocol fixes. */
const REPORT_EVERY_S = 10;
const ACKNOWLEDGED_WITHIN_S = 0.5;
const STREAM_AGE_S = 1_800;
const STREAMS_PER_SECOND = 500;
const LEASE_EVERY_S = 10;
const ELECTION_EVERY_S = 2;
const STATUS_PER_POLICY = 1;
const STATUS_IN_ALL = 20;
const SHARDS_PER_SECOND = 1;
/** A review is good for so long, and the next report after that asks again. */
const REVIEW_GOOD_S = 14;

/** What a fleet asks of its replicas and of the API server. */
export interface Load {
  readonly agentsPerReplica: number;
  readonly reportsPerSecondPerReplica: number;
  /** Of one core, on average and in the second after an edit. */
  readonly coresPerReplica: number;
  readonly coresAfterEdit: number;
  readonly megabytesPerReplica: number;
  readonly bytesPerSecondPerReplica: number;
  /** Until the agents of a replica that was lost have streams again. */
  readonly secondsAfterLoss: number;
  readonly apiWatches: number;
  readonly apiWritesPerSecond: number;
  /** Reviews of tokens, where every agent has a pod of its own. */
  readonly apiReviewsPerSecond: number;
}

/** The load by arithmetic. */
export function loadOf({ agents, replicas, editsPerMinute, policiesChanging }: Fleet, costs: Costs = MEASURED): Load {
  const each = agents / replicas;
  const edits = editsPerMinute / 60;
  const reports = each / REPORT_EVERY_S + each * edits;
  const reconnects = each / STREAM_AGE_S;
  const cpuMs = reports * costs.cpuMsPerReport + each * edits * costs.cpuMsPerPush + reconnects * costs.cpuMsPerStream;
  const burst = each * (costs.cpuMsPerPush + costs.cpuMsPerReport);
  return {
    agentsPerReplica: each,
    reportsPerSecondPerReplica: reports,
    coresPerReplica: cpuMs / 1_000,
    coresAfterEdit: burst / 1_000,
    megabytesPerReplica: costs.baseMegabytes + (each * costs.kilobytesPerAgent) / 1_000,
    bytesPerSecondPerReplica: reports * costs.bytesPerReport + each * edits * costs.bytesPerPush,
    secondsAfterLoss: replicas > 1 ? each / (replicas - 1) / STREAMS_PER_SECOND : each / STREAMS_PER_SECOND,
    apiWatches: replicas,
    apiWritesPerSecond:
      Math.min(policiesChanging * STATUS_PER_POLICY, STATUS_IN_ALL) +
      replicas * SHARDS_PER_SECOND +
      replicas / LEASE_EVERY_S +
      1 / ELECTION_EVERY_S,
    apiReviewsPerSecond: agents / (Math.ceil(REVIEW_GOOD_S / REPORT_EVERY_S) * REPORT_EVERY_S),
  };
}

/** The same for one replica, played out: every agent reports at its own time, acknowledges and reconnects. */
export function play(
  { agents, replicas, editsPerMinute }: Fleet,
  { seconds, random, costs = MEASURED }: { seconds: number; random: () => number; costs?: Costs },
): { reportsPerSecond: number; reviewsPerSecond: number; cores: number; busiestSecond: number } {
  const each = Math.round(agents / replicas);
  const perSecond = new Float64Array(seconds + 2);
  let reports = 0;
  let reviews = 0;
  let cpuMs = 0;
  const spend = (at: number, ms: number) => {
    if (at >= seconds) return;
    perSecond[Math.floor(at)]! += ms;
    cpuMs += ms;
  };
  const report = (at: number) => {
    if (at >= seconds) return;
    reports += 1;
    spend(at, costs.cpuMsPerReport);
  };
  const editEvery = 60 / editsPerMinute;
  for (let agent = 0; agent < each; agent += 1) {
    let reviewedAt = -random() * REVIEW_GOOD_S;
    for (let at = random() * REPORT_EVERY_S; at < seconds; at += REPORT_EVERY_S * (0.9 + 0.2 * random())) {
      report(at);
      if (at - reviewedAt < REVIEW_GOOD_S) continue;
      reviews += 1;
      reviewedAt = at;
    }
    for (let at = editEvery; at < seconds; at += editEvery) {
      spend(at, costs.cpuMsPerPush);
      report(at + random() * ACKNOWLEDGED_WITHIN_S);
    }
    const age = () => STREAM_AGE_S * (0.9 + 0.2 * random());
    for (let at = random() * STREAM_AGE_S; at < seconds; at += age()) spend(at, costs.cpuMsPerStream);
  }
  return {
    reportsPerSecond: reports / seconds,
    reviewsPerSecond: reviews / seconds,
    cores: cpuMs / seconds / 1_000,
    busiestSecond: Math.max(...perSecond) / 1_000,
  };
}

const FLEETS: readonly Fleet[] = [
  { agents: 10_000, replicas: 1, editsPerMinute: 1, policiesChanging: 10 },
  { agents: 10_000, replicas: 3, editsPerMinute: 1, policiesChanging: 10 },
  { agents: 100_000, replicas: 12, editsPerMinute: 1, policiesChanging: 100 },
  { agents: 1_000_000, replicas: 120, editsPerMinute: 1, policiesChanging: 1_000 },
];

/** The rows of the page about scaling. */
export function rows(fleets: readonly Fleet[] = FLEETS): string[] {
  return fleets.map((fleet) => {
    const load = loadOf(fleet);
    const n = (value: number, digits = 0) =>
      value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
    const cells = [
      n(fleet.agents),
      n(fleet.replicas),
      n(load.reportsPerSecondPerReplica),
      n(load.coresPerReplica, 2),
      n(load.coresAfterEdit, 1),
      n(load.megabytesPerReplica),
      n(load.bytesPerSecondPerReplica / 1_000),
      n(load.secondsAfterLoss, 1),
      n(load.apiWatches),
      n(load.apiWritesPerSecond, 1),
      n(load.apiReviewsPerSecond),
    ];
    return `| ${cells.join(' | ')} |`;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(`${rows().join('\n')}\n`);
