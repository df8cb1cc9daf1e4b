import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

interface Report {
  readonly state: string;
  readonly forced: boolean;
  readonly connected: boolean;
  readonly warnings: number;
}

/** A process of its own that shares its breaker. */
interface Participant {
  readonly process: ChildProcess;
  report: Report | undefined;
}

let redis: RedisServer;
let members: Participant[];

beforeEach(async () => {
  redis = await startRedis();
  members = ['node-redis', 'ioredis', 'node-redis'].map((kind) => {
    const execArgv = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'];
    const env = { ...process.env, NODE_OPTIONS: '', FUSEBOARD_URL: '' };
    const child = fork(join(import.meta.dirname, 'store-member.ts'), [String(redis.port), kind], { execArgv, env });
    const member: Participant = { process: child, report: undefined };
    child.on('message', (report) => {
      member.report = report as Report;
    });
    return member;
  });
  await eventually(() => members.every(({ report }) => report?.connected === true));
});
afterEach(async () => {
  for (const { process } of members) process.kill('SIGKILL');
  await redis.stop();
});

const states = () => members.map(({ report }) => `${report!.state}${report!.forced ? ' forced' : ''}`).join(', ');
const fail = (...which: number[]) => {
  for (const i of which) members[i]!.process.send('fail');
};

describe('processes that share over a real Redis', () => {
  it('open when most of them do, not when one does, and close when those recover', async () => {
    fail(0);
    await eventually(() => states() === 'open, closed, closed');
    fail(1);
    await eventually(() => states() === 'open, open, open forced');
    members[0]!.process.send('recover');
    await eventually(() => states() === 'closed, open, closed');
  });

  it('forget a member that dies', async () => {
    fail(0, 1);
    await eventually(() => states() === 'open, open, open forced');
    members[0]!.process.kill('SIGKILL');
    await eventually(() => states() === 'open, open, closed');
  });

  it('decide alone while Redis is gone, and agree again when it is back', async () => {
    fail(0, 1);
    await eventually(() => states() === 'open, open, open forced');
    await redis.kill();
    await eventually(() => states() === 'open, open, half-open');
    await eventually(() => members.every(({ report }) => !report!.connected && report!.warnings >= 1));
    members[2]!.process.send('recover');
    await eventually(() => states() === 'open, open, closed');
    await redis.start();
    await eventually(() => states() === 'open, open, open forced');
    expect(members.map(({ report }) => report!.warnings)).toEqual([1, 1, 1]);
  });
});
