import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/eventually.ts';
import { getBreaker } from '../index.ts';
import { type StatsdExport, type StatsdOptions, sendToStatsd } from './statsd.ts';

let server: Socket;
let packets: string[];
let running: StatsdExport | undefined;

beforeEach(async () => {
  packets = [];
  server = createSocket('udp4');
  server.on('message', (message) => packets.push(message.toString()));
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  server.close();
});

const begin = (options: StatsdOptions = {}): StatsdExport => {
  running = sendToStatsd({ port: server.address().port, intervalMs: 3_600_000, ...options });
  return running;
};
const lines = (about: string) => packets.flatMap((packet) => packet.split('\n')).filter((line) => line.includes(about));

describe('the lines to StatsD', () => {
  it('carry what was added since the last round, over UDP', async () => {
    const breaker = getBreaker('statsd:a/b', { defaults: { trip: { consecutiveFailures: 2 } } });
    const statsd = begin();
    breaker.enter()!.succeed();
    breaker.enter()!.succeed();
    await statsd.flush();
    await eventually(() => lines('.statsd_a_b.calls.').length === 1);
    expect(lines('.statsd_a_b.')).toEqual([
      'fuseboard.statsd_a_b.breaker_state.closed:1|g',
      'fuseboard.statsd_a_b.breaker_state.open:0|g',
      'fuseboard.statsd_a_b.breaker_state.half-open:0|g',
      'fuseboard.statsd_a_b.calls.succeeded:2|c',
    ]);
    breaker.enter()!.fail();
    await statsd.flush();
    await eventually(() => lines('.calls.failed').length > 0);
    expect(lines('.statsd_a_b.calls')).toEqual([
      'fuseboard.statsd_a_b.calls.succeeded:2|c',
      'fuseboard.statsd_a_b.calls.failed:1|c',
    ]);
  });

  it('can have tags, with names as they are, and another prefix', async () => {
    getBreaker('statsd:tagged').enter()!.ignore();
    await begin({ format: 'tags', prefix: 'shop' }).flush();
    await eventually(() => lines('outcome:ignored').length > 0);
    expect(lines('statsd:tagged')).toContain('shop.calls:1|c|#breaker:statsd:tagged,outcome:ignored');
    expect(lines('statsd:tagged')).toContain('shop.breaker.state:1|g|#breaker:statsd:tagged,state:closed');
  });

  it('are sent at the interval without a flush', async () => {
    getBreaker('statsd-timer').enter()!.succeed();
    begin({ intervalMs: 10 });
    await eventually(() => lines('statsd-timer.calls.succeeded:1|c').length === 1);
  });

  it('fit into packets, all of them', async () => {
    for (let i = 0; i < 40; i++) getBreaker(`statsd-many-${i}`).enter()!.succeed();
    const sent: string[] = [];
    await begin({ maxPacketBytes: 200, send: (packet) => void sent.push(packet) }).flush();
    expect(sent.length).toBeGreaterThan(10);
    for (const packet of sent) expect(Buffer.byteLength(packet)).toBeLessThanOrEqual(200);
    expect(sent.flatMap((packet) => packet.split('\n')).filter((line) => /many-\d+\.calls/.test(line))).toHaveLength(
      40,
    );
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('full');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('full');
      },
    ],
  ])('are sent again when sending %s', async (_how, fail) => {
    const breaker = getBreaker(`statsd-again-${_how}`);
    breaker.enter()!.succeed();
    const sent: string[] = [];
    let broken = true;
    const statsd = begin({ send: (packet) => (broken ? fail() : void sent.push(packet)) });
    await statsd.flush();
    breaker.enter()!.succeed();
    broken = false;
    await statsd.flush();
    await statsd.flush();
    const about = sent.flatMap((packet) => packet.split('\n')).filter((line) => line.includes(`again-${_how}.calls`));
    expect(about).toEqual([`fuseboard.statsd-again-${_how}.calls.succeeded:2|c`]);
  });

  it('are sent for the last time when it is stopped first', async () => {
    const breaker = getBreaker('statsd-stopped');
    const sent: string[] = [];
    const statsd = begin({ send: (packet) => void sent.push(packet) });
    breaker.enter()!.succeed();
    await statsd.stop();
    const before = sent.length;
    breaker.enter()!.succeed();
    await statsd.stop();
    await statsd.flush();
    expect(sent.length).toBe(before);
    const udp = sendToStatsd({ port: server.address().port });
    await udp.stop();
    await expect(Promise.all([udp.stop(), udp.flush()])).resolves.toEqual([undefined, undefined]);
  });

  it('survive an address that does not exist', async () => {
    getBreaker('statsd-nowhere').enter()!.succeed();
    const statsd = sendToStatsd({ host: 'no-such-host.invalid', intervalMs: 3_600_000 });
    await statsd.flush();
    await statsd.stop();
  });
});
