/** A process full of simulated agents, told by its parent over IPC what to do. */
import { type Place, SimulatedAgent, type Traffic } from './simulated-agent.ts';

/** What the parent may ask; each request is answered once, when it is done. */
export type Request =
  /** Opens agents and answers when all are in sync. */
  | {
      cmd: 'open';
      group: string;
      place: Place;
      first: number;
      count: number;
      sources: number;
      watched: string;
      report?: 'keep' | 'close';
    }
  /** Answers when all agents run this edit: at which times, and the bytes of one of them. */
  | { cmd: 'applied'; group: string; edit: number }
  /** Answers when no report is due at once or on its way. */
  | { cmd: 'quiet'; group: string }
  /** Answers when all agents came back in step since `after`: when each did. */
  | { cmd: 'back'; group: string; after: number }
  | { cmd: 'traffic'; group: string }
  | { cmd: 'close'; group: string };

export interface Applied {
  readonly times: readonly number[];
  readonly raw: string;
}

interface Group {
  readonly agents: readonly SimulatedAgent[];
  readonly traffic: Traffic;
  readonly syncedAt: number[];
  readonly applied: Map<number, { times: number[]; raw: string }>;
}

const groups = new Map<string, Group>();
const CONNECTING_AT_ONCE = 64;
const LOOK_MS = 5;
/** Looking at every agent is work that should not be taken for that of agents. */
const LOOK_AT_ALL_MS = 100;

function open({ group, place, first, count, sources, watched, report }: Extract<Request, { cmd: 'open' }>): Group {
  const traffic = { bytes: 0, policies: 0, commits: 0, refused: 0, cut: 0, reports: 0, reportsFailed: 0 };
  const syncedAt: number[] = new Array(count).fill(Number.NaN);
  const applied: Group['applied'] = new Map();
  let dialled = 0;
  const next = () => {
    if (dialled < count) agents[dialled++]!.dial();
  };
  const agents = Array.from({ length: count }, (_, i) => {
    const index = first + i;
    let opened = false;
    return new SimulatedAgent({
      place: { ...place, ...(sources > 1 && { localAddress: sourceOf(index % sources) }) },
      index,
      traffic,
      ...(report !== undefined && { reports: { keep: report === 'keep' } }),
      watched,
      synced: (at) => {
        syncedAt[i] = at;
        if (!opened) next();
        opened = true;
      },
      applied: (edit, at, raw) => {
        if (!applied.has(edit)) applied.set(edit, { times: [], raw: raw() });
        applied.get(edit)!.times.push(at);
      },
    });
  });
  for (let i = 0; i < CONNECTING_AT_ONCE; i += 1) next();
  const made = { agents, traffic, syncedAt, applied };
  groups.set(group, made);
  return made;
}

/** Addresses from 127.1.0.1 on. */
const sourceOf = (i: number) => `127.1.${Math.floor(i / 250)}.${1 + (i % 250)}`;

const until = (done: () => boolean, everyMs = LOOK_AT_ALL_MS) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (done()) resolve();
      else setTimeout(look, everyMs);
    };
    look();
  });

async function answer(request: Request): Promise<unknown> {
  if (request.cmd === 'open') {
    const { agents, syncedAt } = open(request);
    await until(() => agents.every(({ inSync }) => inSync));
    return Math.max(...syncedAt);
  }
  const group = groups.get(request.group)!;
  const { agents, traffic, syncedAt, applied } = group;
  switch (request.cmd) {
    case 'applied': {
      await until(() => applied.get(request.edit)?.times.length === agents.length, LOOK_MS);
      const seen = applied.get(request.edit)!;
      applied.delete(request.edit);
      return seen;
    }
    case 'quiet':
      return until(() => !agents.some(({ busy }) => busy));
    case 'back':
      await until(() => agents.every(({ inSync }, i) => inSync && syncedAt[i]! > request.after));
      return syncedAt;
    case 'traffic':
      return traffic;
    case 'close':
      for (const agent of agents) agent.stop();
      groups.delete(request.group);
      return;
  }
}

process.on('message', ({ id, ...request }: { id: number } & Request) => {
  answer(request).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
