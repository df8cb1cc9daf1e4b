import { PROTOCOL } from '@fuseboard/schema/defaults';
import type { Guarded, Rejection, Report } from '@fuseboard/schema/types';
import type { BreakerIdentity } from '../errors/codes.ts';
import { oneSocket, open, type Sockets } from './connection.ts';
import {
  type Ledger,
  type ReportEntry,
  type ReportedBreaker,
  type ReportPart,
  type StateChange,
  splitReport,
} from './ledger.ts';
import { reportTarget } from './report-target.ts';
import { type Endpoint, readCredentials } from './stream.ts';
import type { Timers } from './timers.ts';

const INTERVAL_MS = 10_000;
const LEAST_GAP_MS = 250;
/** An acknowledgement waits `QUIET_MS` plus up to `SPREAD_MS`, so that pushes to other agents go first. */
const QUIET_MS = 200;
const SPREAD_MS = 300;
const ANSWER_MS = 8_000;

/** An answer to a report has no content; the rest of one that is longer is not read. */
const MAX_ANSWER_BYTES = 65_536;
const MAX_PART_BYTES = 46 * 1024;
const MISDIRECTED_TRIES = 8;
const SLICE = 250;
const MAX_GUARDED = 100;

/** The policy set of this process, for the acknowledgement. */
export interface AppliedSet {
  /** The revision; absent before the first set of the operator. */
  readonly revision?: string;
  /** When the set was applied, in monotonic time. */
  readonly at?: number;
  readonly rejections: readonly Rejection[];
  /** Uids of the active overrides. */
  readonly overrides?: readonly string[];
  /** What the guard of the code changes. */
  readonly guarded?: readonly Guarded[];
}

export interface ReporterOptions {
  readonly endpoint: Endpoint;
  readonly identity: Pick<Report, 'service' | 'instance'>;
  readonly ledger: Ledger;
  readonly namespace?: string;
  readonly timers: Timers;
  readonly random: () => number;
  breakers(): Iterable<ReportedBreaker>;
  applied(): AppliedSet;
  /** Called when reports keep reaching replicas without this agent's stream, so that it reconnects. */
  misdirected(): void;
  warn(message: string): void;
}

type ReportAnswer = 'answered' | 'misdirected' | 'refused' | 'unreachable';

/** Reports breaker states and the applied policies to the operator while a stream is open. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #warned = new Set<string>();
  #target: URL | undefined;
  /** The URL for reports to the replica of the last stream. */
  #replica: URL | undefined;
  #sockets: Sockets | undefined;
  #streams = 0;
  #listedToStream = 0;
  #answeredRevision: string | undefined;
  #lastSent = Number.NEGATIVE_INFINITY;
  #due = Number.POSITIVE_INFINITY;
  #cancel = () => {};
  #sending: Promise<void> | undefined;
  /** Whether breakers are being read. Transitions caused by reading are already part of this report. */
  #reading = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Starts reporting to the replica of a new stream. The first report lists every breaker. */
  attach(reportUrl: string | undefined): void {
    const replica = this.#targetOf(reportUrl);
    const former = this.#replica;
    this.#replica = replica;
    this.#setTarget(replica);
    if (former !== undefined && former.href !== replica.href) this.#sayGoodbye(former);
    this.#streams += 1;
    this.#answeredRevision = undefined;
    this.#schedule(this.#options.random() * INTERVAL_MS);
  }

  /** Stops reporting when the stream has ended. Later events are reported to the next stream. */
  detach(): void {
    this.#target = undefined;
    this.#sockets?.destroy();
    this.#cancel();
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Schedules an immediate report after a state change of a breaker. */
  changed(breaker: BreakerIdentity, change: StateChange): void {
    this.#options.ledger.changed(breaker, change);
    if (!this.#reading) this.#schedule(0);
  }

  /** Schedules a report that acknowledges an applied set or a rejected policy. */
  acknowledge(): void {
    this.#schedule(QUIET_MS + this.#options.random() * SPREAD_MS);
  }

  /** Sends the last counts with a goodbye; resolves when that is answered or fails, or after `withinMs`. */
  async bye(withinMs: number): Promise<void> {
    if (this.#target === undefined) return;
    let expire: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      expire = setTimeout(resolve, withinMs);
    });
    const goodbye = (this.#sending ?? Promise.resolve()).then(() => this.#send(true));
    await Promise.race([goodbye, expired]);
    clearTimeout(expire);
    this.detach();
  }

  /**
   * Says goodbye to the replica of the previous stream, so that this agent is counted once. An unreachable replica
   * drops a silent agent anyway.
   */
  #sayGoodbye(replica: URL): void {
    const { identity, ledger } = this.#options;
    const body: Report = {
      protocol: PROTOCOL,
      ...identity,
      boot: ledger.boot,
      sequence: ledger.nextSequence(),
      part: 1,
      parts: 1,
      rejections: [],
      breakers: [],
      bye: true,
    };
    void this.#post(replica, JSON.stringify(body), undefined).catch(() => {});
  }

  #targetOf(reportUrl: string | undefined): URL {
    const { endpoint, namespace } = this.#options;
    return reportTarget(endpoint.url, reportUrl, namespace);
  }

  #setTarget(target: URL): void {
    this.#target = target;
    this.#sockets?.destroy();
    this.#sockets = oneSocket(target);
  }

  #schedule(inMs: number): void {
    if (this.#target === undefined) return;
    const { timers } = this.#options;
    const due = Math.max(timers.now() + inMs, this.#lastSent + LEAST_GAP_MS);
    if (due >= this.#due) return;
    this.#due = due;
    this.#cancel();
    this.#cancel = timers.after(Math.max(0, due - timers.now()), () => {
      this.#due = Number.POSITIVE_INFINITY;
      // Only one report is sent at a time, so a due report waits for the current one.
      void (this.#sending ?? Promise.resolve()).then(() => this.#sendDue());
    });
  }

  #sendDue(): void {
    if (this.#target === undefined || this.#sending !== undefined) return;
    this.#sending = this.#send(false)
      .catch((error: Error) => this.#warn(`this agent failed to report: ${error.message}`))
      .finally(() => {
        this.#sending = undefined;
        this.#schedule(INTERVAL_MS * (0.9 + 0.2 * this.#options.random()));
      });
  }

  async #send(bye: boolean): Promise<void> {
    const { timers, identity, ledger, applied } = this.#options;
    const sequence = ledger.nextSequence();
    const now = timers.now();
    this.#lastSent = now;
    // This report includes everything that was due until now.
    this.#cancel();
    this.#due = Number.POSITIVE_INFINITY;
    const { revision, at, rejections, overrides = [], guarded = [] } = applied();
    const limits = guarded.slice(0, MAX_GUARDED).map(({ uid, by, limit }) => ({ uid, by, ...(limit && { limit }) }));
    const stream = this.#streams;
    const entries = await this.#readBreakers(this.#listedToStream !== stream);
    const cut = splitReport(entries, rejections, MAX_PART_BYTES);
    const fresh = revision !== undefined && revision !== this.#answeredRevision && at !== undefined;
    for (const [i, part] of cut.entries()) {
      const body: Report = {
        protocol: PROTOCOL,
        ...identity,
        boot: ledger.boot,
        sequence,
        part: i + 1,
        parts: cut.length,
        ...(revision === undefined ? {} : { revision }),
        ...(fresh ? { appliedAgoMs: Math.max(0, Math.round(timers.now() - at)) } : {}),
        rejections: part.rejections,
        ...(i === 0 && overrides.length > 0 ? { overrides: [...overrides] } : {}),
        ...(i === 0 && limits.length > 0 ? { guarded: limits } : {}),
        breakers: part.entries.map(({ report }) => report),
        ...(bye ? { bye: true } : {}),
      };
      if (!(await this.#deliver(body, part))) return;
    }
    // A stream that was opened meanwhile has had no report yet.
    if (stream !== this.#streams) return;
    this.#listedToStream = stream;
    this.#answeredRevision = revision;
  }

  /** Reads the breakers in slices, so that thousands of them do not block the process. */
  async #readBreakers(all: boolean): Promise<ReportEntry[]> {
    const { timers, ledger, breakers } = this.#options;
    const entries: ReportEntry[] = [];
    let slice: ReportedBreaker[] = [];
    const take = () => {
      this.#reading = true;
      try {
        entries.push(...ledger.entries(slice, all, timers.now()));
      } finally {
        this.#reading = false;
      }
      slice = [];
    };
    for (const breaker of breakers()) {
      slice.push(breaker);
      if (slice.length < SLICE) continue;
      take();
      await new Promise((resolve) => setImmediate(resolve).unref());
    }
    take();
    return entries;
  }

  async #deliver(body: Report, part: ReportPart): Promise<boolean> {
    const text = JSON.stringify(body);
    for (let tries = 0; tries < MISDIRECTED_TRIES; ) {
      const target = this.#target;
      if (target === undefined) return false;
      const answer = await this.#post(target, text, this.#sockets).catch((error: Error): ReportAnswer => {
        this.#warn(`reports cannot be sent: ${error.message}`);
        return 'refused';
      });
      if (answer === 'answered') {
        for (const entry of part.entries) entry.acknowledge();
        return true;
      }
      if (this.#target !== target || answer === 'refused') return false;
      if (answer === 'unreachable') {
        const own = this.#targetOf(undefined);
        if (own.href === target.href) return false;
        this.#setTarget(own);
      } else {
        tries += 1;
        this.#setTarget(target);
      }
    }
    this.#options.misdirected();
    return false;
  }

  #post(target: URL, body: string, sockets: Sockets | undefined): Promise<ReportAnswer> {
    const { endpoint, timers } = this.#options;
    return new Promise((resolve) => {
      const credentials = readCredentials(endpoint);
      const request = open(
        target,
        {
          method: 'POST',
          operatorUrl: endpoint.url,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            ...credentials.headers,
          },
          ...(credentials.ca ? { ca: credentials.ca } : {}),
          ...(sockets ? { sockets } : {}),
        },
        (response) => {
          const status = response.statusCode ?? 0;
          let read = 0;
          response.on('data', ({ length }: Buffer) => {
            read += length;
            if (read > MAX_ANSWER_BYTES) request.destroy(new Error('its answer to a report is too long'));
          });
          response.on('end', () => {
            if (status < 300) finish('answered');
            else if (status === 421) finish('misdirected');
            else {
              this.#warn(`reports to ${target.origin} are answered ${status}; counts are kept and sent again`);
              finish('refused');
            }
          });
        },
      );
      const cancel = timers.after(ANSWER_MS, () => request.destroy(new Error('no answer')));
      const finish = (answer: ReportAnswer) => {
        cancel();
        resolve(answer);
      };
      request.on('error', () => finish('unreachable'));
      request.on('close', () => finish('unreachable'));
      request.end(body);
    });
  }

  #warn(message: string): void {
    if (this.#warned.has(message) || this.#warned.size >= 20) return;
    this.#warned.add(message);
    this.#options.warn(message);
  }
}
