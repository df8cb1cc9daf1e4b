/** A process full of simulated agents, told by its parent over IPC what to do. */
import type { Journal } from './journal.ts';
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
      /** Whether a journal is kept for each agent. */
      journal?: boolean;
      /** Tokens that the agents show, in turn; absent: none. */
      tokens?: readonly string[];
    }
  /** Answers when all agents run this edit: at which times, and the bytes of one of them. */
  | { cmd: 'applied'; group: string; edit: number }
  /** Answers when no report is due at once or on its way. */
  | { cmd: 'quiet'; group: string }
  /** Answers when all agents came back in step since `after`: when each did. */
  | { cmd: 'back'; group: string; after: number }
  /** Answers when every agent is in step and runs this edit or a later one. */
  | { cmd: 'runs'; group: string; edit: number }
  /** Answers when every report was answered and none will be sent; with false, reports continue. */
  | { cmd: 'hush'; group: string; hushed: boolean }
  | { cmd: 'journal'; group: string }
  /** Ends some agents in one of three ways and has new ones in their place; answers when those are in sync. */
  | { cmd: 'churn'; group: string; count: number; ending: Ending }
  | { cmd: 'traffic'; group: string }
  | { cmd: 'close'; group: string };

export type Ending = 'leave' | 'stop' | 'crash';

export interface Applied {
  readonly times: readonly number[];
  readonly raw: string;
}

interface Group {
  readonly agents: SimulatedAgent[];
  /** Makes the agent at a place of the group, which may have had another one before. */
  readonly make: (i: number) => SimulatedAgent;
  churned: number;
  readonly journals: readonly Journal[];
  /** The edit that each agent runs. */
  readonly runs: number[];
  readonly traffic: Traffic;
  readonly syncedAt: number[];
  readonly applied: Map<number, { times: number[]; raw: string }>;
}

const groups = new Map<string, Group>();
const CONNECTING_AT_ONCE = 64;
const LOOK_MS = 5;
/** Looking at every agent is work that should not be taken for that of agents. */
const LOOK_AT_ALL_MS = 100;

function open(request: Extract<Request, { cmd: 'open' }>): Group {
  const { group, first, count, watched, report, journal } = request;
  const traffic: Traffic = {
    bytes: 0,
    policies: 0,
    commits: 0,
    refused: 0,
    cut: 0,
    reports: 0,
    reportsFailed: 0,
    misdirected: 0,
    calls: {},
  };
  const journals: Journal[] = Array.from({ length: journal ? count : 0 }, () => ({ streams: [], edits: [] }));
  const runs: number[] = new Array(count).fill(0);
  const syncedAt: number[] = new Array(count).fill(Number.NaN);
  const applied: Group['applied'] = new Map();
  let started = 0;
  const next = () => {
    if (started < count) agents[started++]!.connect();
  };
  const make = (i: number) => {
    const index = first + i;
    let opened = false;
    return new SimulatedAgent({
      place: placeOf(request, index),
      index,
      traffic,
      ...(report !== undefined && { reports: { keep: report === 'keep' } }),
      watched,
      synced: (at) => {
        syncedAt[i] = at;
        journals[i]?.streams.push({ from: at });
        if (!opened) next();
        opened = true;
      },
      cut: (at) => {
        const stream = journals[i]?.streams.at(-1);
        if (stream) stream.to = at;
      },
      applied: (edit, at, raw) => {
        runs[i] = edit;
        if (journals[i]) {
          journals[i]!.edits.push([at, edit]);
          return;
        }
        if (!applied.has(edit)) applied.set(edit, { times: [], raw: raw() });
        applied.get(edit)!.times.push(at);
      },
    });
  };
  const agents = Array.from({ length: count }, (_, i) => make(i));
  for (let i = 0; i < CONNECTING_AT_ONCE; i += 1) next();
  const made = { agents, make, churned: 0, journals, runs, traffic, syncedAt, applied };
  groups.set(group, made);
  return made;
}

/** Where the agent with this index connects to, from which address, and with what. */
function placeOf({ place, sources, tokens }: Extract<Request, { cmd: 'open' }>, index: number): Place {
  return {
    ...place,
    ...(sources > 1 && { localAddress: sourceOf(index % sources) }),
    ...(tokens && { headers: `${place.headers}authorization: Bearer ${tokens[index % tokens.length]}\r\n` }),
  };
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
  const { agents, journals, runs, traffic, syncedAt, applied } = group;
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
    case 'runs':
      return until(() => agents.every(({ inSync }, i) => inSync && runs[i]! >= request.edit));
    case 'hush':
      for (const agent of agents) agent.hush(request.hushed);
      return request.hushed ? until(() => !agents.some(({ owing }) => owing)) : undefined;
    case 'journal':
      return journals;
    case 'churn': {
      const fresh = Array.from({ length: Math.min(request.count, agents.length) }, () => {
        const i = group.churned++ % agents.length;
        agents[i]![request.ending]();
        const agent = group.make(i);
        agents[i] = agent;
        agent.connect();
        return agent;
      });
      return until(() => fresh.every(({ inSync }) => inSync));
    }
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
