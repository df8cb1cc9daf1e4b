import { afterEach, describe, expect, it } from '@jest/globals';
import { type KubernetesSource, kubernetesSource } from '../../../operator/src/sources/kubernetes.ts';
import { answer, type Fault, FaultyApiServer, status } from '../../../operator/test/faulty-api-server.ts';
import { eventually } from '../../cluster/run.ts';

interface Followed {
  readonly server: FaultyApiServer;
  readonly source: KubernetesSource;
}

const all: Followed[] = [];

/** A source at the times of production, and an API server that does what it is told. */
async function follow(prepare: (server: FaultyApiServer) => void = () => {}): Promise<Followed> {
  const server = await new FaultyApiServer().start();
  prepare(server);
  const log = { info: () => {}, warn: () => {} };
  const followed = { server, source: kubernetesSource({ kubeConfig: server.kubeConfig, log }) };
  all.push(followed);
  followed.source.start(() => {});
  return followed;
}

const requests = ({ server: { asked } }: Followed) => asked.list + asked.watch + asked.discovery;
const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const names = ({ source }: Followed) => [...source.state().policies.keys()].map((key) => key.split('/')[1]).sort();
const EXPIRED_EVENT = '{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}\n';

afterEach(async () => {
  await Promise.all(all.map(({ source }) => source.stop()));
  await Promise.all(all.splice(0).map(({ server }) => server.stop()));
});

describe('what the operator asks of an API server that fails', () => {
  it.each<[string, 'list' | 'watch', Fault]>([
    ['every watch is answered 410', 'watch', status(410)],
    ['every watch says 410 in an event', 'watch', answer(EXPIRED_EVENT)],
    ['every list is answered 410', 'list', status(410)],
  ])(
    'is at most three requests in 5 s when %s from the start',
    async (_name, route, fault) => {
      const followed = await follow((server) => server.break(route, fault));
      await eventually(() => followed.server.asked[route] > 0);
      for (let window = 0; window < 3; window += 1) {
        const before = window === 0 ? 0 : requests(followed);
        await pass(5_000);
        expect(requests(followed) - before).toBeLessThanOrEqual(3);
      }
      followed.server.heal(route);
      followed.server.put('late');
      await eventually(() => names(followed).includes('late'), 60_000);
    },
    120_000,
  );

  it('is at most three requests in 5 s when the history goes away under a watch that was well', async () => {
    const followed = await follow((server) => server.put('a'));
    await eventually(() => followed.server.streams.size > 0);
    await pass(6_000);
    followed.server.break('watch', status(410));
    const before = requests(followed);
    followed.server.write(EXPIRED_EVENT);
    followed.server.silently(() => followed.server.put('b'));
    await eventually(() => names(followed).includes('b'));
    await pass(5_000);
    expect(requests(followed) - before).toBeLessThanOrEqual(3);
  }, 60_000);

  it('is a new list after 90 s without a byte, and not before', async () => {
    const followed = await follow((server) => server.put('a'));
    await eventually(() => followed.server.streams.size > 0);
    const silentSince = performance.now();
    const lists = followed.server.asked.list;
    followed.server.silently(() => followed.server.put('b'));
    await pass(88_000);
    expect(followed.server.asked.list).toBe(lists);
    await eventually(() => names(followed).includes('b'), 20_000);
    expect(performance.now() - silentSince).toBeGreaterThanOrEqual(90_000 - 100);
  }, 150_000);
});
