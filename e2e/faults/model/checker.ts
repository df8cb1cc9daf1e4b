import {
  type AgentRecord,
  type Governor,
  type LogRecord,
  type RunRecord,
  selects,
  type Truth,
  type View,
} from './records.ts';

export const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6'] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  /** Absent: it is about the operator. */
  readonly agent?: string;
  readonly at: number;
  readonly message: string;
}

/** What is still well. */
export interface Bounds {
  /**
   * From the end of the last fault until every agent runs what the API server has, in ms that the machine has time for
   * us.
   */
  readonly convergeMs: number;
  /** What a breaker may add to a call beyond what the event loop was late anyway, in ms. */
  readonly callMs: number;
  /** How long an agent may make no call at all beyond that, in ms. */
  readonly gapMs: number;
  readonly agentHeapMb: number;
  readonly operatorRssMb: number;
}

type Of<K extends LogRecord['kind']> = Extract<LogRecord, { kind: K }>;

/** One life of an agent, and what the world did around it. */
interface Life {
  readonly agent: string;
  readonly born: Extract<AgentRecord, { kind: 'born' }>;
  readonly records: readonly AgentRecord[];
  readonly killedAt: number | undefined;
}

interface World {
  readonly bounds: Bounds;
  /** Every generation that the API server ever took, by uid. */
  readonly policies: ReadonlyMap<string, readonly Of<'written'>[]>;
  readonly deletions: ReadonlyMap<string, Of<'deleted'>>;
  readonly resets: readonly Extract<RunRecord, { kind: 'reset' }>[];
  readonly healed: Of<'healed'> | undefined;
  readonly stolenMs: number;
}

type Find = (life: Life, world: World) => Omit<Violation, 'agent'>[];

/**
 * Judges what the agents ran, by their own logs, against what the API server had. The operator's word is not asked.
 *
 * @returns every violation, oldest first.
 */
export function check(records: readonly LogRecord[], bounds: Bounds): Violation[] {
  const world = worldOf(records, bounds);
  const found: Violation[] = [];
  for (const life of livesOf(records)) {
    for (const find of [keepsDeciding, neverGoesBack, isMeant, leavesCallsAlone, converges, staysSmall]) {
      found.push(...find(life, world).map((violation) => ({ ...violation, agent: life.agent })));
    }
  }
  for (const { at, operator, rssMb } of records.filter((record) => isOf(record, 'memory') && 'operator' in record) as {
    at: number;
    operator: string;
    rssMb: number;
  }[]) {
    if (rssMb > bounds.operatorRssMb)
      found.push({ invariant: 'I6', at, message: `${operator} takes ${rssMb} MB of memory` });
  }
  return found.sort((a, b) => a.at - b.at);
}

/** Whether every agent that lives runs what the API server has, and is connected. */
export function hasConverged(records: readonly LogRecord[], truth: readonly Truth[]): boolean {
  return livesOf(records).every((life) => life.killedAt !== undefined || disagreement(life, truth) === undefined);
}

function isOf<K extends LogRecord['kind']>(record: LogRecord, kind: K): record is Of<K> {
  return record.kind === kind;
}

const all = <K extends LogRecord['kind']>(records: readonly LogRecord[], kind: K) =>
  records.filter((record): record is Of<K> => isOf(record, kind));

function worldOf(records: readonly LogRecord[], bounds: Bounds): World {
  const policies = new Map<string, Of<'written'>[]>();
  for (const written of all(records, 'written')) {
    policies.set(written.uid, [...(policies.get(written.uid) ?? []), written]);
  }
  return {
    bounds,
    policies,
    deletions: new Map(all(records, 'deleted').map((deleted) => [deleted.uid, deleted])),
    resets: all(records, 'reset'),
    healed: all(records, 'healed').at(-1),
    stolenMs: all(records, 'ended').at(-1)?.stolenMs ?? 0,
  };
}

function livesOf(records: readonly LogRecord[]): Life[] {
  const own = new Map<string, AgentRecord[]>();
  for (const record of records) {
    if (!('agent' in record) || record.kind === 'killed') continue;
    if (!own.has(record.agent)) own.set(record.agent, []);
    own.get(record.agent)!.push(record);
  }
  const killed = new Map(all(records, 'killed').map(({ agent, at }) => [agent, at]));
  return [...own].flatMap(([agent, mine]) => {
    mine.sort((a, b) => a.at - b.at);
    const born = mine.find((record): record is Life['born'] => record.kind === 'born');
    return born === undefined ? [] : [{ agent, born, records: mine, killedAt: killed.get(agent) }];
  });
}

const entries = (view: View) => Object.entries(view) as [string, Governor][];
const shown = ({ uid, generation }: Governor) => `generation ${generation} of ${uid}`;

/** I1: what an agent has stays until the API server has something else, and decides every call meanwhile. */
const keepsDeciding: Find = ({ records }, { bounds, policies, deletions }) => {
  const found: Omit<Violation, 'agent'>[] = [];
  const say = (at: number, message: string) => found.push({ invariant: 'I1', at, message });
  let view: View = {};
  let calledAt: number | undefined;
  for (const record of records) {
    const { at } = record;
    if (record.kind === 'applied') {
      for (const [breaker, governor] of entries(view)) {
        const gone = deletions.get(governor.uid);
        if (record.view[breaker]?.uid !== governor.uid && (gone === undefined || gone.begun > at))
          say(at, `${breaker} lost ${shown(governor)}, which nobody had deleted`);
      }
      for (const [breaker, governor] of entries(record.view)) {
        const written = policies.get(governor.uid)?.find(({ generation }) => generation === governor.generation);
        if (written !== undefined && written.failures !== governor.failures)
          say(at, `${breaker} runs ${shown(governor)} as ${governor.failures} failures, not ${written.failures}`);
      }
      view = record.view;
    } else if (record.kind === 'probe') {
      const wanted = view[record.breaker]?.failures;
      if (record.opened !== wanted) {
        const did = record.opened === undefined ? `never in ${record.tries}` : `after ${record.opened}`;
        say(at, `${record.breaker} opens ${did} failures, and what governs it says ${wanted ?? 'never'}`);
      }
    } else if (record.kind === 'call') {
      if (calledAt !== undefined && at - calledAt > bounds.gapMs + 2 * record.lagMs)
        say(at, `no call was decided for ${Math.round(at - calledAt)} ms`);
      calledAt = at;
    }
  }
  return found;
};

/** I2: no older generation of the same uid, and nothing again that was gone, unless the operator reset the agent. */
const neverGoesBack: Find = ({ born, records }, { resets }) => {
  const found: Omit<Violation, 'agent'>[] = [];
  let newest = new Map<string, number>();
  let gone = new Set<string>();
  let previous: View = {};
  let since = Number.NEGATIVE_INFINITY;
  for (const record of records) {
    if (record.kind !== 'applied') continue;
    const { at, view } = record;
    if (resets.some((reset) => reset.service === born.service && reset.at > since && reset.at <= at)) {
      newest = new Map();
      gone = new Set();
    } else {
      const running = new Set(entries(view).map(([, { uid }]) => uid));
      for (const [, { uid }] of entries(previous)) if (!running.has(uid)) gone.add(uid);
      for (const [breaker, governor] of entries(view)) {
        const floor = newest.get(governor.uid) ?? 0;
        if (governor.generation < floor)
          found.push({
            invariant: 'I2',
            at,
            message: `${breaker} went back from generation ${floor} to ${shown(governor)}`,
          });
        if (gone.has(governor.uid))
          found.push({ invariant: 'I2', at, message: `${breaker} runs ${shown(governor)} again, which was gone` });
      }
    }
    for (const [, { uid, generation }] of entries(view)) newest.set(uid, Math.max(newest.get(uid) ?? 0, generation));
    previous = view;
    since = at;
  }
  return found;
};

/** I3: what an agent runs is a policy of its namespace that selects it and names the breaker. */
const isMeant: Find = ({ born, records }, { policies }) => {
  const found: Omit<Violation, 'agent'>[] = [];
  for (const record of records) {
    if (record.kind !== 'applied') continue;
    for (const [breaker, governor] of entries(record.view)) {
      const policy = policies.get(governor.uid)?.[0];
      const wrong =
        policy === undefined
          ? 'which the API server never had'
          : policy.namespace !== born.namespace
            ? `which is of namespace ${policy.namespace}, not ${born.namespace}`
            : !selects(policy.selector, born.labels)
              ? `which selects ${JSON.stringify(policy.selector)}, not ${JSON.stringify(born.labels)}`
              : policy.breaker !== breaker
                ? `which is for ${policy.breaker}`
                : undefined;
      if (wrong !== undefined)
        found.push({ invariant: 'I3', at: record.at, message: `${breaker} runs ${shown(governor)}, ${wrong}` });
    }
  }
  return found;
};

/** I4: a call ends as its function ends or is rejected, and takes no longer than the function and the event loop do. */
const leavesCallsAlone: Find = ({ records }, { bounds }) =>
  records.flatMap((record): Omit<Violation, 'agent'>[] => {
    const violation = (message: string) => [{ invariant: 'I4' as const, at: record.at, message }];
    if (record.kind === 'uncaught') return violation(`nobody caught: ${record.error}`);
    if (record.kind !== 'call') return [];
    const { breaker, outcome, error, ms, bareMs, lagMs, stolenMs, cpuMs } = record;
    if (outcome === 'foreign') return violation(`a call of ${breaker} threw what its function did not: ${error}`);
    if (cpuMs > bounds.callMs) return violation(`a call of ${breaker} computed for ${cpuMs} ms before it began`);
    const added = ms - bareMs - stolenMs;
    if (added <= bounds.callMs + 2 * lagMs) return [];
    const late = `the loop was ${lagMs} ms late, and the thread waited ${stolenMs} ms for a core`;
    return violation(`a call of ${breaker} took ${ms} ms, ${bareMs} ms without it; ${late}`);
  });

/** I5: once no fault is left, an agent runs what the API server has, in time. */
const converges: Find = (life, { bounds, healed, stolenMs }) => {
  if (healed === undefined || life.killedAt !== undefined) return [];
  const withinMs = Math.round(bounds.convergeMs + stolenMs);
  const wrong = disagreement(life, healed.truth);
  if (wrong !== undefined) {
    return [{ invariant: 'I5', at: healed.at + withinMs, message: `${wrong}, ${withinMs} ms after the last fault` }];
  }
  const last = life.records.filter(({ kind }) => kind === 'applied' || kind === 'link').at(-1)!;
  const tookMs = last.at - healed.at;
  if (tookMs <= withinMs) return [];
  return [{ invariant: 'I5', at: last.at, message: `it agreed only ${Math.round(tookMs)} ms after the last fault` }];
};

/** What an agent runs otherwise than the API server has it; absent when they agree. */
function disagreement({ born, records }: Life, truth: readonly Truth[]): string | undefined {
  const view = records.filter((record) => record.kind === 'applied').at(-1)?.view ?? {};
  const meant = truth.filter(
    ({ namespace, selector }) => namespace === born.namespace && selects(selector, born.labels),
  );
  for (const { breaker, uid, generation, failures } of meant) {
    const running = view[breaker];
    // A generation that cannot be used leaves the one before, or nothing, in force.
    if (failures === undefined && (running === undefined || running.uid === uid)) continue;
    if (running?.uid !== uid || running.generation !== generation)
      return `${breaker} runs ${running === undefined ? 'nothing' : shown(running)}, not ${shown({ uid, generation })}`;
  }
  const extra = entries(view).find(([breaker]) => !meant.some((policy) => policy.breaker === breaker));
  if (extra !== undefined) return `${extra[0]} runs ${shown(extra[1])}, which is deleted`;
  const state = records.filter((record) => record.kind === 'link').at(-1)?.state;
  return state === 'Live' ? undefined : `its link is ${state}`;
}

/** I6, for an agent. */
const staysSmall: Find = ({ records }, { bounds }) =>
  records.flatMap((record) =>
    record.kind === 'memory' && 'heapMb' in record && record.heapMb > bounds.agentHeapMb
      ? [{ invariant: 'I6' as const, at: record.at, message: `it holds ${record.heapMb} MB` }]
      : [],
  );
