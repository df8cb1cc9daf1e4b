import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../load/monotonic.ts';
import { FaultMaker } from './faults.ts';
import { type Bounds, check, hasConverged, type Violation } from './model/checker.ts';
import { described, type Edit, REVEALING, SELECTORS } from './model/plan.ts';
import type { LogRecord, Truth } from './model/records.ts';
import { PolicyStore, type Wanted } from './policy-store.ts';
import { Stage, type StageOptions } from './stage.ts';

export interface ScheduleOptions extends StageOptions {
  readonly bounds: Bounds;
}

export interface ScheduleResult {
  readonly violations: readonly Violation[];
  readonly records: readonly LogRecord[];
  /** From the first step to the end, in ms. */
  readonly tookMs: number;
  /** From the end of the last fault to agreement, in ms. */
  readonly convergedMs: number;
  /** What each operator said. */
  readonly operatorLogs: readonly string[];
}

const LOOK_MS = 250;
/** What a look and a read of the API server take where there is nothing else to do. */
const QUICK_MS = 100;
const MEASURE_MS = 1_000;

/** Plays a plan on a stage of its own, waits until everybody agrees, and judges what the agents wrote down. */
export async function playSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  const { cluster, plan, plant, bounds } = options;
  const stage = new Stage(options);
  const store = new PolicyStore(cluster.kubeconfig, (record) => stage.note(record));
  const maker = new FaultMaker(stage);
  const measuring = setInterval(() => void stage.measure(), MEASURE_MS);
  try {
    for (const side of ['here', 'there'] as const) await store.namespace(stage.namespace(side));
    await stage.start();
    for (const edit of plan.begin) await make(edit, stage, store);
    const begun = monotonic();
    for (const steps of plant === undefined ? [plan.steps] : [plan.steps, REVEALING]) {
      for (const { afterMs, act } of steps) {
        await sleep(afterMs);
        stage.note({
          kind: 'fault',
          at: monotonic(),
          fault: 'fault' in act ? act.fault : act.edit,
          detail: described(act),
        });
        if ('fault' in act) maker.begin(act);
        else await make(act, stage, store);
      }
      await maker.over();
    }
    const truth = await store.truth([stage.namespace('here'), stage.namespace('there')]);
    const healedAt = monotonic();
    stage.note({ kind: 'healed', at: healedAt, truth });
    await stage.measure();
    const { seen, stolenMs } = await converged(stage, store, truth, bounds.convergeMs);
    const ended = monotonic();
    const convergedMs = ended - healedAt;
    const records: LogRecord[] = [...seen, { kind: 'ended', at: ended, stolenMs }];
    const operatorLogs = stage.replicas.map(({ log }) => log);
    const tookMs = monotonic() - begun;
    return { violations: check(records, bounds), records, tookMs, convergedMs, operatorLogs };
  } finally {
    clearInterval(measuring);
    await stage.stop();
    await rm(options.folder, { recursive: true, force: true });
  }
}

/**
 * Waits until all agree or the time is up; what a look takes longer than on a quiet machine does not count.
 *
 * @returns what the last look saw: an agent that loses its stream a moment later was not slow to agree.
 */
async function converged(
  stage: Stage,
  store: PolicyStore,
  truth: readonly Truth[],
  withinMs: number,
): Promise<{ seen: LogRecord[]; stolenMs: number }> {
  let waitedMs = 0;
  let stolenMs = 0;
  let seen = stage.records();
  while (!hasConverged(seen, truth) && waitedMs < withinMs) {
    const begun = monotonic();
    await sleep(LOOK_MS);
    await store.truth([stage.namespace('here'), stage.namespace('there')]);
    const tookMs = monotonic() - begun;
    waitedMs += Math.min(tookMs, LOOK_MS + QUICK_MS);
    stolenMs += Math.max(0, tookMs - LOOK_MS - QUICK_MS);
    seen = stage.records();
  }
  return { seen, stolenMs };
}

async function make(edit: Edit, stage: Stage, store: PolicyStore): Promise<void> {
  const { side, breaker } = edit;
  const namespace = stage.namespace(side);
  const wanted = (failures: number, malformed = false): Wanted => {
    return { namespace, breaker, selector: SELECTORS[breaker] ?? {}, failures, malformed };
  };
  switch (edit.edit) {
    case 'put':
      return store.put(wanted(edit.failures, edit.malformed));
    case 'delete':
      return store.delete(namespace, breaker);
    case 'recreate':
      await store.delete(namespace, breaker);
      return store.put(wanted(edit.failures));
    case 'burst':
      for (const failures of edit.failures) await store.put(wanted(failures));
  }
}
