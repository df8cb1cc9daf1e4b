/** A process full of hostile pods, each of which takes all that its token gives it. Continues until it is ended. */
import { randomBytes } from 'node:crypto';
import { Agent, type ClientRequest, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_TOTALS } from '../../operator/src/core/fleet/totals.ts';

export interface HostileRequest {
  readonly url: string;
  readonly tokens: readonly string[];
}

/** As many as fit into a part of a report. */
const KEYS = 150;

const LONG_KEYS = 60;

/** Streams that one pod holds, and connections without a request. */
const HELD = 40;
const SILENT = 5;

/** Between two attempts of one pod of one kind, in ms: a hundred of them together try a few thousand times a second. */
const PAUSE_MS = 20;

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const boot = () => randomBytes(16).toString('hex');

function openStream(url: string, token: string, of: string): Promise<ClientRequest> {
  return new Promise((resolve) => {
    const since = 'policies=99999999999999999999,overrides=99999999999999999999';
    const query = new URLSearchParams({ protocol: '1', service: 's', instance: 'x'.repeat(200), boot: of, since });
    // Most as a good agent would, so that it is known and may report.
    if (Math.random() < 0.9) query.delete('since');
    const asked = request(`${url}/v1/stream?${query}`, { headers: { authorization: `Bearer ${token}` }, agent: false });
    asked.on('response', (response) => {
      response.resume();
      resolve(asked);
    });
    asked.on('error', () => resolve(asked));
    asked.end();
  });
}

function post(url: string, token: string, body: object): Promise<void> {
  return new Promise((resolve) => {
    const text = JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asked = request(`${url}/v1/report`, { method: 'POST', headers, agent });
    asked.on('response', (response) => response.resume().on('close', resolve));
    asked.on('error', () => resolve());
    asked.end(text);
  });
}

/** Processes without end: a new boot for each stream, and more streams than a pod may hold. */
async function streams(url: string, token: string, boots: string[]): Promise<void> {
  const held: ClientRequest[] = [];
  for (;;) {
    const of = boot();
    held.push(await openStream(url, token, of));
    boots.push(of);
    if (boots.length > HELD) boots.shift();
    if (held.length > HELD) held.shift()!.destroy();
    await sleep(PAUSE_MS);
  }
}

/** Breakers, keys, changes of state and counts without end. */
async function reports(url: string, token: string, boots: readonly string[]): Promise<void> {
  for (let sequence = 1; ; sequence += 1) {
    const of = boots[sequence % Math.max(1, boots.length)] ?? boot();
    // Many keys of few breakers, or few long ones of many, with errors of their own.
    const long = sequence % 2 === 0;
    const breakers = Array.from({ length: long ? LONG_KEYS : KEYS }, (_, i) => ({
      name: long ? `b${sequence}-${i}` : `b${sequence % 50}`,
      key: `\u001b[2J${sequence}-${i}${long ? randomBytes(100).toString('hex') : ''}`,
      ...(long && { lastError: { name: 'Error', message: randomBytes(20).toString('hex') } }),
      state: 'open',
      since: 0,
      totals: { ...NO_TOTALS, succeeded: 2 ** 50 },
      ...(i < 20 && {
        transitions: [{ from: 'closed', to: 'open', reason: randomBytes(10).toString('hex'), agoMs: 0 }],
      }),
    }));
    const common = { protocol: 1, service: 's', instance: 'i', part: 1, parts: 1, rejections: [] };
    await post(url, token, { ...common, boot: of, sequence, breakers });
    await sleep(PAUSE_MS);
  }
}

function silence(url: string): void {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.on('close', () => setTimeout(() => silence(url), 1_000));
}

process.on('message', ({ id, url, tokens }: HostileRequest & { id: number }) => {
  for (const token of tokens) {
    const boots: string[] = [];
    void streams(url, token, boots);
    void reports(url, token, boots);
    for (let i = 0; i < SILENT; i += 1) silence(url);
  }
  process.send!({ id });
});
process.on('disconnect', () => process.exit(0));
