/** What governs a breaker: the policy, and the run of failures at which it opens, by which its decisions are known. */
export interface Governor {
  readonly uid: string;
  readonly generation: number;
  /** Absent: the spec that runs has none. */
  readonly failures?: number;
}

/** What an agent runs, by the name of the breaker; a name that no policy governs is absent. */
export type View = Readonly<Record<string, Governor>>;

/** The labels that a policy selects. Absent or empty: all. */
export type Labels = Readonly<Record<string, string>>;

/** What an agent wrote down itself. `agent` is one life of a process: a restart is another one. */
export type AgentRecord = { readonly at: number; readonly agent: string } & (
  | {
      readonly kind: 'born';
      /** The same over restarts. */
      readonly service: string;
      readonly namespace: string;
      readonly labels: Labels;
    }
  /** A set came into force; also what the agent began with. */
  | { readonly kind: 'applied'; readonly origin: string; readonly revision: string; readonly view: View }
  | { readonly kind: 'link'; readonly state: string }
  /** A call of a local function, and the same function without a breaker at the same time. */
  | {
      readonly kind: 'call';
      readonly breaker: string;
      readonly outcome: 'passed' | 'failed' | 'rejected' | 'foreign';
      /** What it threw that was not ours to throw. */
      readonly error?: string;
      readonly ms: number;
      readonly bareMs: number;
      /** How late the event loop was about then. */
      readonly lagMs: number;
      /** How long the thread waited for a core meanwhile. */
      readonly stolenMs: number;
      /** What the thread computed while the call began. */
      readonly cpuMs: number;
    }
  /** After how many failures in a row the breaker rejected; absent: it let all of them pass. */
  | { readonly kind: 'probe'; readonly breaker: string; readonly tries: number; readonly opened?: number }
  /** Something came out of the agent that nobody caught. */
  | { readonly kind: 'uncaught'; readonly error: string }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'memory'; readonly heapMb: number }
);

/** A policy as the API server has it. */
export interface Truth {
  readonly namespace: string;
  readonly breaker: string;
  readonly uid: string;
  readonly generation: number;
  readonly selector: Labels;
  /** Absent: this generation cannot be used, and agents keep the one before. */
  readonly failures?: number;
}

/** What the run itself did and saw. */
export type RunRecord = { readonly at: number } /** The API server took a policy; the request began at `begun`. */ & (
  | ({ readonly kind: 'written'; readonly begun: number } & Truth)
  | { readonly kind: 'deleted'; readonly begun: number; readonly uid: string }
  | { readonly kind: 'fault'; readonly fault: string; readonly detail: string }
  | { readonly kind: 'killed'; readonly agent: string }
  /** The operator told a service, on the wire, to give up its floors. */
  | { readonly kind: 'reset'; readonly service: string }
  | { readonly kind: 'memory'; readonly operator: string; readonly rssMb: number }
  /** No fault is left; this is what the API server has. */
  | { readonly kind: 'healed'; readonly truth: readonly Truth[] }
  /** Nobody is waited for any more. `stolenMs` of the time since the last fault this machine had no time for us. */
  | { readonly kind: 'ended'; readonly stolenMs: number }
);

export type LogRecord = AgentRecord | RunRecord;

/** Reads a log of one record a line; a last line that was cut off by a kill is left out. */
export function readRecords(text: string): LogRecord[] {
  return text.split('\n').flatMap((line, i, lines) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line) as LogRecord];
    } catch (error) {
      if (i === lines.length - 1) return [];
      throw error;
    }
  });
}

/** Whether a policy is for an agent with these labels. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
