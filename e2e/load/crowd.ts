import type { Applied, Ending, Request } from './agents-main.ts';
import { Child } from './child.ts';
import type { Journal } from './journal.ts';
import { monotonic } from './monotonic.ts';
import type { Place, Traffic } from './simulated-agent.ts';

/** A group of agents that are opened, watched and closed together. */
export interface GroupOptions {
  readonly group: string;
  readonly agents: number;
  readonly place: Place;
  readonly sources: number;
  readonly watched: string;
  readonly report?: 'keep' | 'close';
  /** Whether each agent keeps a journal, instead of the times of single edits. */
  readonly journal?: boolean;
  /** Tokens that the agents show, in turn; absent: none. */
  readonly tokens?: readonly string[];
}

/** Simulated agents over several processes, each of which has an equal part of every group. */
export class Crowd {
  readonly #children: readonly Child<Request>[];

  constructor(processes: number) {
    const main = new URL('./agents-main.ts', import.meta.url);
    this.#children = Array.from({ length: processes }, () => new Child<Request>(main));
  }

  /** Opens a group; resolves to the time from the first connect until all were in sync, in ms. */
  async open({ agents, ...group }: GroupOptions): Promise<number> {
    const begun = monotonic();
    const each = Math.ceil(agents / this.#children.length);
    const ends = await Promise.all(
      this.#children.map((child, i) => {
        const first = Math.min(agents, i * each);
        const count = Math.min(agents, first + each) - first;
        return child.ask<number>({ cmd: 'open', ...group, first, count });
      }),
    );
    return Math.max(...ends.filter(Number.isFinite)) - begun;
  }

  /** Resolves when every agent of a group runs an edit: since when each does, and the bytes that one of them got. */
  async applied(group: string, edit: number): Promise<Applied> {
    const parts = await this.#all<Applied>({ cmd: 'applied', group, edit });
    return { times: parts.flatMap(({ times }) => times), raw: parts[0]!.raw };
  }

  /** Resolves when no agent of a group has something to report at once. */
  async quiet(group: string): Promise<void> {
    await this.#all({ cmd: 'quiet', group });
  }

  /**
   * Resolves when every agent of a group is in step again, having lost its stream after `after`: since when each is.
   */
  async back(group: string, after: number): Promise<number[]> {
    return (await this.#all<number[]>({ cmd: 'back', group, after })).flat();
  }

  /** Resolves when every agent of a group is in step and runs this edit or a later one. */
  async runs(group: string, edit: number): Promise<void> {
    await this.#all({ cmd: 'runs', group, edit });
  }

  /**
   * Resolves when every report of a group was answered and no further one will be sent; with false, reports continue.
   */
  async hush(group: string, hushed: boolean): Promise<void> {
    await this.#all({ cmd: 'hush', group, hushed });
  }

  async journal(group: string): Promise<Journal[]> {
    return (await this.#all<Journal[]>({ cmd: 'journal', group })).flat();
  }

  /** Ends some agents of a group in each process and has new ones in their place; resolves when those are in sync. */
  async churn(group: string, count: number, ending: Ending): Promise<void> {
    await this.#all({ cmd: 'churn', group, count, ending });
  }

  async traffic(group: string): Promise<Traffic> {
    const parts = await this.#all<Traffic>({ cmd: 'traffic', group });
    const sum = (name: Exclude<keyof Traffic, 'calls'>) => parts.reduce((all, part) => all + part[name], 0);
    const calls: Record<string, number> = {};
    for (const part of parts) {
      for (const [host, count] of Object.entries(part.calls)) calls[host] = (calls[host] ?? 0) + count;
    }
    return {
      bytes: sum('bytes'),
      policies: sum('policies'),
      commits: sum('commits'),
      refused: sum('refused'),
      cut: sum('cut'),
      reports: sum('reports'),
      reportsFailed: sum('reportsFailed'),
      misdirected: sum('misdirected'),
      calls,
    };
  }

  async close(group: string): Promise<void> {
    await this.#all({ cmd: 'close', group });
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.end()));
  }

  #all<T>(request: Request): Promise<T[]> {
    return Promise.all(this.#children.map((child) => child.ask<T>(request)));
  }
}
