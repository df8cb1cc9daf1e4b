import { createSocket } from 'node:dgram';
import { detached } from '../clock/detached.ts';
import { atLeast, checkOptions, type Fields } from '../errors/options.ts';
import { METRICS, readings } from './metric-definitions.ts';

export interface StatsdOptions {
  /** Absent: `127.0.0.1`. */
  readonly host?: string;
  /** Absent: 8125. */
  readonly port?: number;
  /** Prefix of every name. Absent: `fuseboard`. */
  readonly prefix?: string;
  /**
   * `plain` puts the labels into the name, `fuseboard.payments.calls.failed`; `tags` adds them as DogStatsD does.
   * Absent: `plain`.
   */
  readonly format?: 'plain' | 'tags';
  /** Milliseconds between two exports. Absent: 10,000. */
  readonly intervalMs?: number;
  /** Maximum packet size in bytes. Absent: 1,432, which fits an Ethernet frame. */
  readonly maxPacketBytes?: number;
  /** Sends packets instead of the socket. When it throws or rejects, the counts of the packet are sent again. */
  readonly send?: (packet: string) => void | Promise<void>;
}

/** A running export of the metrics of all breakers. */
export interface StatsdExport {
  /**
   * Sends the changes since the last export; resolves when all packets are sent or have failed. Never rejects. Does
   * nothing after `stop`.
   */
  flush(): Promise<void>;
  /** Sends once more and ends the export; a second call does nothing. */
  stop(): Promise<void>;
}

const OPTIONS: Fields = {
  host: 'string',
  port: ['a port', (port) => Number.isInteger(port) && port > 0 && port < 65_536],
  prefix: 'string',
  format: ["'plain' or 'tags'", (format) => format === 'plain' || format === 'tags'],
  intervalMs: ['a number from 1', atLeast(1)],
  maxPacketBytes: ['a number from 1', atLeast(1)],
  send: 'function',
};

/** Sends a packet. */
interface Transport {
  send(packet: string): void | Promise<void>;
  close(): void;
}

interface Line {
  readonly text: string;
  /** The counter to add to, and the increase; absent for a gauge. */
  readonly counter?: { readonly key: string; readonly delta: number };
}

/**
 * Sends the metrics of all breakers of this process to StatsD: increases of counters, and states as gauges. It never
 * fails and does not keep the process alive. Unsent changes are part of the next export.
 *
 * @throws {TypeError} when an option cannot be used.
 */
export function sendToStatsd(options: StatsdOptions = {}): StatsdExport {
  checkOptions('sendToStatsd', options, OPTIONS);
  const {
    host = '127.0.0.1',
    port = 8125,
    prefix = 'fuseboard',
    format = 'plain',
    intervalMs = 10_000,
    maxPacketBytes = 1432,
    send,
  } = options;
  const transport = send === undefined ? udp(host, port) : { send, close() {} };
  const sent = new Map<string, number>();
  const write = format === 'plain' ? plain : tagged;

  const lines = (): Line[] =>
    readings().flatMap(([breaker, stats]) =>
      METRICS.flatMap(({ name, type, points }) =>
        points(stats).flatMap(({ labels, value }) => {
          const key = write(prefix, name, { breaker, ...labels });
          if (type === 'gauge') return [{ text: key(value, 'g') }];
          const id = key(0, 'c');
          const delta = value - (sent.get(id) ?? 0);
          return delta === 0 ? [] : [{ text: key(delta, 'c'), counter: { key: id, delta } }];
        }),
      ),
    );

  const flush = async (): Promise<void> => {
    await Promise.all(packets(lines(), maxPacketBytes).map(deliver));
  };
  const deliver = async (packet: readonly Line[]): Promise<void> => {
    const move = (sign: 1 | -1) => {
      for (const { counter } of packet)
        if (counter !== undefined) sent.set(counter.key, (sent.get(counter.key) ?? 0) + sign * counter.delta);
    };
    move(1);
    try {
      await transport.send(packet.map(({ text }) => text).join('\n'));
    } catch {
      move(-1);
    }
  };
  const timer = detached(() => setInterval(flush, intervalMs)).unref();
  let stopped: Promise<void> | undefined;
  return {
    flush: () => stopped ?? flush(),
    stop() {
      clearInterval(timer);
      stopped ??= flush().then(() => void transport.close());
      return stopped;
    },
  };
}

type Write = (
  prefix: string,
  name: readonly string[],
  labels: Readonly<Record<string, string>>,
) => (value: number, type: 'c' | 'g') => string;

const plain: Write = (prefix, name, { breaker, ...labels }) => {
  const parts = [safe(breaker!), name.join('_'), ...Object.values(labels)].join('.');
  return (value, type) => `${prefix}.${parts}:${value}|${type}`;
};

const tagged: Write = (prefix, name, labels) => {
  const tags = Object.entries(labels).map(([label, value]) => `${label}:${value}`);
  return (value, type) => `${prefix}.${name.join('.')}:${value}|${type}|#${tags.join(',')}`;
};

/** Replaces dots and colons, because a dot separates levels and a colon ends the name. */
function safe(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}

/** Groups lines into packets. A line longer than a packet is dropped. */
function packets(lines: readonly Line[], maxBytes: number): Line[][] {
  const all: Line[][] = [];
  let room = 0;
  for (const line of lines) {
    const bytes = Buffer.byteLength(line.text) + 1;
    if (bytes > maxBytes + 1) continue;
    if (bytes > room) {
      all.push([]);
      room = maxBytes + 1;
    }
    all.at(-1)!.push(line);
    room -= bytes;
  }
  return all;
}

function udp(host: string, port: number): Transport {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').unref();
  socket.on('error', () => {});
  return {
    send: (packet) =>
      new Promise((resolve, reject) =>
        socket.send(packet, port, host, (error) => (error === null ? resolve() : reject(error))),
      ),
    close: () => socket.close(),
  };
}
