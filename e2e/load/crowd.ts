import type { Applied, Request } from './agents-main.ts';
import { Child } from './child.ts';
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
}

/** Simulated agents over several processes, each of which has an equal part of every group. */
export class Crowd {
  readonly #children: readonly Child<Request>[];

  constructor(processes: number) {
    const main = new URL('./agents-main.ts', import.meta.url);
    this.#children = Array.from({ length: processes }, () => new Child<Request>(main));
  }

  /** Opens a group; resolves to the time from the first dial until all were in sync, in ms. */
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

  /** Resolves when every agent of a group is in step again, having lost its stream after `after`: since when each is. */
  async back(group: string, after: number): Promise<number[]> {
    return (await this.#all<number[]>({ cmd: 'back', group, after })).flat();
  }

  async traffic(group: string): Promise<Traffic> {
    const parts = await this.#all<Traffic>({ cmd: 'traffic', group });
    const sum = (name: keyof Traffic) => parts.reduce((all, part) => all + part[name], 0);
    return {
      bytes: sum('bytes'),
      policies: sum('policies'),
      commits: sum('commits'),
      refused: sum('refused'),
      cut: sum('cut'),
      reports: sum('reports'),
      reportsFailed: sum('reportsFailed'),
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
