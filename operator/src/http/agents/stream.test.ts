import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { EventClient } from '../../../test/event-client.ts';
import { policy } from '../../../test/memory-source.ts';
import { until } from '../../../test/until.ts';
import { SnapshotCache } from '../../core/delivery/snapshot-cache.ts';
import { Connections } from '../connections.ts';
import { AgentStream, type StreamOptions } from './stream.ts';

let server: Server;
const streams: AgentStream[] = [];
const sent: string[] = [];
const cut: string[] = [];

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.cut();
  sent.length = 0;
  cut.length = 0;
  await new Promise((resolve) => server.close(resolve));
});

async function connect(
  over: Partial<StreamOptions> = {},
  stallMs = 60_000,
): Promise<{ client: EventClient; stream: AgentStream }> {
  const options: StreamOptions = {
    base: undefined,
    revision: undefined,
    reportUrl: undefined,
    heartbeatMs: 60_000,
    asOf: () => undefined,
    now: () => 1,
    sending: () => {},
    sent: (snapshot) => void sent.push(snapshot.revision),
    ...over,
  };
  server = createServer((_request, response) => void streams.push(new AgentStream(response, options)));
  new Connections({ max: 10, stallMs, onCut: (_address, limit) => void cut.push(limit), clock: performance }).watch(
    server,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await EventClient.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { client, stream: streams[0]! };
}

/** A snapshot of `count` policies of about 16 KiB each, all with the same generation. */
function snapshot(count: number, generation: number) {
  const breakers = Array.from({ length: 64 }, (_, i) => `${'x'.repeat(118)}${i}`);
  const snapshots = new SnapshotCache();
  snapshots.update(
    Array.from({ length: count }, (_, i) =>
      policy(`p${i}`, { generation, spec: { breakers: [`p${i}`, ...breakers] } }),
    ),
  );
  return snapshots.snapshot('default', {});
}

it('writes the newest snapshot to a slow reader and skips those in between', async () => {
  const { client, stream } = await connect();
  client.pause();
  const snapshots = Array.from({ length: 12 }, (_, i) => snapshot(200, i + 1));
  for (const one of snapshots) stream.offer({ snapshot: one, asOf: undefined });
  client.resume();
  const last = snapshots.at(-1)!.revision;
  await client.until(({ event, id }) => event === 'commit' && id === last);
  const commits = client.events.filter(({ event }) => event === 'commit');
  expect(commits.map(({ id }) => id)).toEqual([snapshots[0]!.revision, last]);
  expect(sent).toEqual([snapshots[0]!.revision, last]);
});

it('puts every policy of a commit between its begin and its commit', async () => {
  const { client, stream } = await connect();
  stream.offer({ snapshot: snapshot(50, 1), asOf: undefined });
  await client.until(({ event }) => event === 'commit');
  stream.offer({ snapshot: snapshot(50, 2), asOf: undefined });
  await client.until(({ event, data }) => event === 'commit' && data.revision !== sent[0]);
  const kinds = client.events.map(({ event }) => event).join(' ');
  const policies = 'policy '.repeat(50);
  expect(kinds).toBe(`hello begin ${policies}routes commit begin ${policies}commit`);
});

it('cuts a reader that takes nothing', async () => {
  const { client, stream } = await connect({}, 50);
  client.pause();
  stream.offer({ snapshot: snapshot(1_200, 1), asOf: undefined });
  await until(streamsClosed);
  client.resume();
  await client.untilEnd();
  expect(client.events.some(({ event }) => event === 'commit')).toBe(false);
  expect(cut).toEqual(['stalled']);
});

async function streamsClosed(): Promise<boolean> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count === 0)));
}

it('beats while nothing else is to be said', async () => {
  const { client } = await connect({ heartbeatMs: 5, asOf: () => ({ policies: '9' }) });
  await client.until(({ event }) => event === 'heartbeat');
  expect(client.events[1]!.data).toEqual({ asOf: { policies: '9' }, now: 1 });
});

it('says goaway once, though the reader takes nothing', async () => {
  const { client, stream } = await connect();
  client.pause();
  stream.offer({ snapshot: snapshot(1_200, 1), asOf: undefined });
  stream.goaway(1);
  stream.goaway(2);
  client.resume();
  await client.untilEnd();
  expect(client.events.filter(({ event }) => event === 'goaway').map(({ data }) => data)).toEqual([
    { reconnectAfterMs: 1 },
  ]);
});

it('says goaway and ends', async () => {
  const { client, stream } = await connect();
  stream.goaway(12.3);
  await client.untilEnd();
  expect(client.events.at(-1)).toEqual({ event: 'goaway', data: { reconnectAfterMs: 12 } });
});
