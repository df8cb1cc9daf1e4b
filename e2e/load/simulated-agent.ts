import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { Backoff } from '../../agent/src/link/backoff.ts';
import { NO_TOTALS } from '../../operator/src/core/fleet/totals.ts';
import { monotonic } from './monotonic.ts';
import { openSocket, ReportSocket, type ReportTarget } from './report-socket.ts';
import { StreamReader } from './stream-reader.ts';

const REPORT_MS = 10_000;
const LEAST_GAP_MS = 250;
/** An acknowledgement waits so long, and up to so much longer. */
const QUIET_MS = 200;
const ACKNOWLEDGE_MS = 300;
const MISDIRECTED_TRIES = 8;
const SPREAD_MS = 1_000;
const HEALTHY_MS = 60_000;

/** Where an agent connects. */
export interface Place {
  /** The address that it connects to, and the name in its requests. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly namespace: string;
  /** Further lines of each request, each with its end. */
  readonly headers: string;
  /** Whether it is reached over TLS; whose certificate it is does not matter here. Absent: plain text. */
  readonly secure?: boolean;
  /** Absent: the system chooses. */
  readonly localAddress?: string;
}

/** What the agents of a process have seen, together. */
export interface Traffic {
  bytes: number;
  policies: number;
  commits: number;
  refused: number;
  cut: number;
  reports: number;
  reportsFailed: number;
  /** Reports that landed on a replica that does not hold the stream. */
  misdirected: number;
  /** Calls of which the answered reports told, by the address of the replica that took them. */
  readonly calls: Record<string, number>;
}

export interface SimulatedAgentOptions {
  readonly place: Place;
  readonly index: number;
  readonly traffic: Traffic;
  /** How it reports; absent: not at all. */
  readonly reports?: { readonly keep: boolean };
  /** The policy whose edits are timed. */
  readonly watched: string;
  /** It is in step with the operator again, since it connected. */
  readonly synced: (at: number) => void;
  /**
   * It runs this edit of the watched policy since `at`. `raw` gives what came for it, as it came; good until it
   * returns.
   */
  readonly applied: (edit: number, at: number, raw: () => string) => void;
  /** It lost its stream, having been in step. */
  readonly cut?: (at: number) => void;
}

/** One agent on raw sockets: it connects, resumes, waits and reports like a real one, and runs no breaker. */
export class SimulatedAgent {
  readonly #options: SimulatedAgentOptions;
  readonly #boot = randomBytes(16).toString('hex');
  readonly #backoff = new Backoff(Math.random);
  readonly #reports: ReportSocket | undefined;
  #socket: Socket | undefined;
  #revision: string | undefined;
  #asOf: string | undefined;
  #uid: string | undefined;
  #edit: number | undefined;
  #raw: string[] = [];
  #inSync = false;
  #openedAt = Number.POSITIVE_INFINITY;
  /** Where the replica of the last stream takes reports. */
  #replica: ReportTarget | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #reportDue = Number.POSITIVE_INFINITY;
  #reporting = false;
  #reported = Number.NEGATIVE_INFINITY;
  #sequence = 0;
  #calls = 0;
  #answeredCalls = 0;
  #stopped = false;
  #hushed = false;
  #retryAfterMs = 0;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.#reports = options.reports && new ReportSocket(options.place, options.reports.keep);
  }

  get inSync(): boolean {
    return this.#inSync;
  }

  /** Whether a report is on its way, or one that was not answered has to be repeated. */
  get owing(): boolean {
    return this.#reporting || this.#calls !== this.#answeredCalls;
  }

  /** Whether a report is due within a moment, or on its way. */
  get busy(): boolean {
    return this.#reporting || this.#reportDue - monotonic() < ACKNOWLEDGE_MS;
  }

  connect(): void {
    const { place, index } = this.#options;
    const { host, namespace, headers } = place;
    const socket = openSocket(place, place);
    this.#socket = socket;
    this.#retryAfterMs = 0;
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    const reader = new StreamReader({
      answered: (status, retryAfterMs) => {
        if (status === 200) return;
        this.#options.traffic.refused += 1;
        this.#retryAfterMs = retryAfterMs;
        socket.destroy();
      },
      event: (name, data, raw) => this.#event(name, data, raw),
    });
    socket.on('data', (text: string) => {
      this.#options.traffic.bytes += text.length;
      if (this.#socket === socket) reader.push(text);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket === socket) this.#ended();
    });
    const query = new URLSearchParams({
      protocol: '1',
      service: 'load',
      instance: `load-${index}`,
      boot: this.#boot,
      labels: 'app=load',
      namespace,
      ...(this.#asOf !== undefined && { since: `policies=${this.#asOf}` }),
    });
    const resume = this.#revision === undefined ? '' : `last-event-id: ${this.#revision}\r\n`;
    socket.write(
      `GET /v1/stream?${query} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n${headers}${resume}\r\n`,
    );
  }

  /** Makes no further call and sends no further report, once all were answered; or continues. */
  hush(hushed: boolean): void {
    this.#hushed = hushed;
    this.#unschedule();
    this.#schedule(Math.random() * (hushed ? ACKNOWLEDGE_MS : REPORT_MS));
  }

  /** Says goodbye and hangs up when that was answered, or when nothing can be said. */
  leave(): void {
    this.#stopped = true;
    if (this.#inSync && this.#reports !== undefined) this.#goodbye(this.#reports.target, () => this.stop());
    else this.stop();
  }

  /** Is gone like a process that is killed on a machine that continues: its connections are reset. */
  crash(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.resetAndDestroy();
    this.stop();
  }

  /** Hangs up without a word. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#reportTimer);
    this.#reports?.close();
    this.#socket?.destroy();
  }

  #ended(): void {
    this.#socket = undefined;
    const now = monotonic();
    if (this.#inSync) {
      this.#options.traffic.cut += 1;
      this.#options.cut?.(now);
    }
    this.#inSync = false;
    if (now - this.#openedAt >= HEALTHY_MS) this.#backoff.reset();
    this.#openedAt = Number.POSITIVE_INFINITY;
    this.#unschedule();
    this.#reports?.close();
    if (this.#stopped) return;
    const told = this.#retryAfterMs;
    this.#connectTimer = setTimeout(
      () => this.connect(),
      told > 0 ? told + Math.random() * SPREAD_MS : this.#backoff.next(),
    );
  }

  #event(name: string, data: string, raw: string): void {
    const { traffic, watched } = this.#options;
    switch (name) {
      case 'hello':
        this.#openedAt = monotonic();
        this.#attach(data);
        this.#schedule(Math.random() * REPORT_MS);
        return;
      case 'begin':
        this.#raw = [raw];
        this.#edit = undefined;
        this.#asOf = /"asOf":\{"policies":"(\d+)"/.exec(data)?.[1] ?? this.#asOf;
        return;
      case 'policy':
        traffic.policies += 1;
        this.#raw.push(raw);
        if (!data.includes(`"name":"${watched}"`)) return;
        this.#uid = /"uid":"([^"]+)"/.exec(data)?.[1];
        this.#edit = Number(/"consecutiveFailures":(\d+)/.exec(data)?.[1]);
        return;
      case 'commit': {
        const at = monotonic();
        this.#revision = /"revision":"([^"]+)"/.exec(data)?.[1];
        this.#raw.push(raw);
        traffic.commits += 1;
        if (this.#edit !== undefined) this.#options.applied(this.#edit, at, () => `${this.#raw.join('\n\n')}\n\n`);
        this.#raw = [];
        this.#schedule(QUIET_MS + Math.random() * ACKNOWLEDGE_MS);
        this.#sync(at);
        return;
      }
      case 'insync':
        this.#sync(monotonic());
        return;
      case 'goaway':
        this.#retryAfterMs = Number(/"reconnectAfterMs":(\d+)/.exec(data)?.[1] ?? 0);
        this.#socket?.destroy();
        return;
      case 'remove':
      case 'routes':
        this.#raw.push(raw);
    }
  }

  #sync(at: number): void {
    if (this.#inSync) return;
    this.#inSync = true;
    this.#options.synced(at);
  }

  /** Reports go to the replica of the new stream; a former one is told that this agent is not its own any more. */
  #attach(hello: string): void {
    if (this.#reports === undefined) return;
    const { place } = this.#options;
    const former = this.#replica;
    const replica = targetOf(/"reportUrl":"([^"]+)"/.exec(hello)?.[1], place);
    this.#replica = replica;
    this.#reports.aim(replica);
    if (former !== undefined && former.host !== replica.host) this.#goodbye(former, () => {});
  }

  #goodbye(target: ReportTarget, said: () => void): void {
    this.#sequence += 1;
    const last = new ReportSocket(this.#options.place, false);
    last.aim(target);
    last.post(this.#body(this.#calls, true), said);
  }

  #unschedule(): void {
    clearTimeout(this.#reportTimer);
    this.#reportDue = Number.POSITIVE_INFINITY;
  }

  #schedule(inMs: number): void {
    if (this.#reports === undefined || this.#stopped || (this.#hushed && !this.owing)) return;
    const due = Math.max(monotonic() + inMs, this.#reported + LEAST_GAP_MS);
    if (due >= this.#reportDue) return;
    this.#reportDue = due;
    clearTimeout(this.#reportTimer);
    this.#reportTimer = setTimeout(() => this.#report(), Math.max(0, due - monotonic()));
  }

  #report(): void {
    this.#reportDue = Number.POSITIVE_INFINITY;
    if (this.#reporting || !this.#inSync) {
      this.#schedule(LEAST_GAP_MS);
      return;
    }
    this.#reporting = true;
    this.#reported = monotonic();
    if (!this.#hushed) this.#calls += 7;
    const calls = this.#calls;
    this.#sequence += 1;
    this.#deliver(this.#body(calls), calls, 0);
  }

  /**
   * Sends a report as a real agent does: again where it was misdirected, and to the Service where the replica cannot be
   * reached.
   */
  #deliver(body: string, calls: number, tries: number): void {
    const reports = this.#reports!;
    const { traffic, place } = this.#options;
    const { target } = reports;
    reports.post(body, (status) => {
      const own = this.#inSync && reports.target === target;
      if (status === 421 && own) {
        traffic.misdirected += 1;
        reports.aim(target);
        if (tries + 1 < MISDIRECTED_TRIES) return this.#deliver(body, calls, tries + 1);
      }
      if (status === undefined && own && target !== place) {
        reports.aim(place);
        return this.#deliver(body, calls, tries);
      }
      this.#reporting = false;
      traffic[status === 204 ? 'reports' : 'reportsFailed'] += 1;
      if (status === 204) {
        // By way of the Service too, only the replica that holds the stream takes it.
        const { host } = this.#replica ?? target;
        traffic.calls[host] = (traffic.calls[host] ?? 0) + calls - this.#answeredCalls;
        this.#answeredCalls = calls;
      }
      if (this.#inSync) this.#schedule(REPORT_MS * (0.9 + 0.2 * Math.random()));
      if (status === 421 && own) this.#socket?.destroy();
    });
  }

  /** What is said of so many calls; with `bye`, that this was the last. */
  #body(calls: number, bye = false): string {
    return JSON.stringify({
      protocol: 1,
      service: 'load',
      instance: `load-${this.#options.index}`,
      boot: this.#boot,
      sequence: this.#sequence,
      part: 1,
      parts: 1,
      revision: this.#revision,
      rejections: [],
      ...(bye && { bye }),
      breakers: bye
        ? []
        : [
            {
              name: this.#options.watched,
              ...(this.#uid !== undefined && { uid: this.#uid }),
              state: 'closed',
              since: Math.round(this.#reported),
              totals: { ...NO_TOTALS, succeeded: calls },
              base: { ...NO_TOTALS, succeeded: this.#answeredCalls },
              latency: [0, 0, 0, calls],
              baseLatency: [0, 0, 0, this.#answeredCalls],
            },
          ],
    });
  }
}

/** Where a replica says that it takes reports, when it says so; else the address that the agent connected to. */
function targetOf(reportUrl: string | undefined, place: Place): ReportTarget {
  if (reportUrl === undefined) return place;
  const { protocol, hostname, host, port } = new URL(reportUrl);
  return protocol === (place.secure ? 'https:' : 'http:') && hostname === place.address
    ? { address: hostname, host, port: Number(port) }
    : place;
}
