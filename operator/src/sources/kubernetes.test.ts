import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { answer, FaultyApiServer, reset, silence, status } from '../../test/faulty-api-server.ts';
import { until } from '../../test/until.ts';
import type { ReflectorTimers } from '../kube/api/reflector.ts';
import { type KubernetesSource, kubernetesSource } from './kubernetes.ts';

const quick = { backoffMinMs: 4, backoffMaxMs: 40, expiredMinMs: 4, healthyMs: 40, holdMs: 10 };
const log = { info: () => {}, warn: () => {} };

let server: FaultyApiServer;
let source: KubernetesSource;

const follow = async (timers: ReflectorTimers = {}, namespaces?: string[]) => {
  source = kubernetesSource({ kubeConfig: server.kubeConfig, log, namespaces, ...quick, ...timers });
  source.start(() => {});
};
const followed = async (timers?: ReflectorTimers) => {
  await follow(timers);
  await watching();
};
const watching = () => until(() => source.state().unreadable === undefined && server.streams.size > 0);
const names = () => [...source.state().policies.keys()].map((key) => key.split('/')[1]).sort();
const agree = () =>
  until(() => {
    const { policies } = source.state();
    return (
      policies.size === server.objects.size &&
      [...server.objects].every(([key, { metadata, spec }]) => {
        const known = policies.get(key);
        return (
          known?.uid === metadata.uid &&
          known.generation === metadata.generation &&
          JSON.stringify(known.spec) === JSON.stringify(spec)
        );
      })
    );
  });

beforeEach(async () => {
  server = await new FaultyApiServer().start();
});

afterEach(async () => {
  await source.stop();
  await server.stop();
});

describe('policies from an API server that works', () => {
  it('are listed in pages and followed', async () => {
    for (let i = 0; i < 1203; i += 1) server.put(`p${i}`);
    await followed();
    expect(source.state().policies.size).toBe(1203);
    expect(server.asked.list).toBe(3);
    server.put('p1', { breakers: ['other'] });
    server.put('new');
    server.remove('p7');
    await agree();
    expect(server.asked.list).toBe(3);
  });

  it('are given as they are stored, with what is wrong with them', async () => {
    server.put('bad', { breakers: ['a'], trip: {}, mode: 'Enforce' });
    await followed();
    const policy = source.state().policies.get('default/bad')!;
    expect(policy.spec).toEqual({ breakers: ['a'], trip: {}, mode: 'Enforce' });
    expect(policy.problems.map(({ field }) => field)).toEqual(['spec.trip']);
    expect(policy.createdAt).toBe(Date.parse('2026-01-01T00:00:00Z'));
  });

  it('show a new status although the generation is the same', async () => {
    server.put('a');
    await followed();
    server.putStatus('a', { observedGeneration: 1 });
    await until(() => source.state().policies.get('default/a')?.status?.observedGeneration === 1);
    expect(source.stored(source.state().policies.get('default/a')!)?.resourceVersion).toBe(server.version);
  });

  it('say as of when they are, by list, event and bookmark', async () => {
    server.put('a');
    await followed();
    expect(source.state().resourceVersion).toBe(server.version);
    server.put('b');
    await until(() => source.state().resourceVersion === server.version);
    server.silently(() => server.put('elsewhere', {}, 'elsewhere'));
    server.bookmark();
    await until(() => source.state().resourceVersion === server.version);
  });

  it('can come from some namespaces only, as of the older of them', async () => {
    server.put('a', { breakers: ['a'] }, 'one');
    server.put('b', { breakers: ['b'] }, 'two');
    server.put('c', { breakers: ['c'] }, 'three');
    await follow({}, ['one', 'two']);
    await until(() => server.streams.size === 2);
    expect([...source.state().policies.keys()].sort()).toEqual(['one/a', 'two/b']);
    const before = source.state().resourceVersion;
    server.put('a', { breakers: ['x'] }, 'one');
    await until(() => source.state().policies.get('one/a')?.generation === 2);
    expect(source.state().resourceVersion).toBe(before);
    expect(source.state().resourceVersionIn).toEqual(
      new Map([
        ['one', server.version],
        ['two', before],
      ]),
    );
  });

  it('are read afresh on demand, at least as new as at the call', async () => {
    await followed();
    server.silently(() => server.put('missed'));
    await source.refresh();
    expect(names()).toEqual(['missed']);
    server.silently(() => server.put('later'));
    await Promise.all([source.refresh(), source.refresh()]);
    expect(names()).toEqual(['later', 'missed']);
  });

  it('are listed again now and then, although the watch is well', async () => {
    await followed({ relistMs: 50 });
    server.silently(() => server.put('missed'));
    await until(() => names().includes('missed'));
  });
});

describe('policies from an API server that fails', () => {
  it.each([
    [401, /renew the token/],
    [403, /grant .* list and watch/],
    [404, /kubectl apply -f crds/],
    [429, /trying again/],
    [500, /trying again/],
    [503, /trying again/],
  ])('stay as they are while a list answers %i, and say what to do', async (code, advice) => {
    server.put('a');
    await followed();
    server.break('list', status(code));
    server.cut();
    await until(() => source.state().unreadable !== undefined);
    expect(source.state().unreadable).toMatch(advice);
    expect(source.state()).toMatchObject({ synced: true });
    expect(names()).toEqual(['a']);
    server.put('b');
    server.heal('list');
    await agree();
    await watching();
  });

  it('are not known to be none when the first list fails', async () => {
    server.break('list', status(403));
    await follow();
    await until(() => source.state().unreadable !== undefined);
    expect(source.state().synced).toBe(false);
    await expect(source.refresh()).rejects.toThrow('grant');
  });

  it('cannot be read while they may be listed but not watched', async () => {
    server.put('a');
    server.break('watch', status(403));
    await follow();
    await until(() => server.asked.watch > 2);
    expect(source.state().unreadable).toMatch(/not allowed to watch/);
    server.heal('watch');
    await watching();
  });

  it('are listed again when the history is gone, said by a status', async () => {
    await followed();
    server.end();
    server.silently(() => server.put('a'));
    server.compact();
    await agree();
    expect(server.asked.list).toBe(2);
    expect(source.state().unreadable).toBeUndefined();
  });

  it('are listed again when the history is gone, said by an event', async () => {
    await followed();
    server.silently(() => server.put('a'));
    server.write('{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}\n');
    await agree();
    expect(server.asked.list).toBe(2);
    expect(source.state().unreadable).toBeUndefined();
  });

  it('are listed from the start when the next page has expired', async () => {
    for (let i = 0; i < 700; i += 1) server.put(`p${i}`);
    server.breakOnce('list', (_request, _response, proceed) => proceed());
    server.breakOnce('list', status(410));
    await followed();
    await agree();
    expect(server.asked.list).toBe(4);
  });

  it.each([
    ['a reset', () => server.cut()],
    [
      'half a line and a reset',
      () => {
        server.write('{"type":"ADDED","object":{"metadata":{"na');
        setImmediate(() => server.cut());
      },
    ],
    [
      'half a line and an orderly end',
      () => {
        server.write('{"type":"ADDED","object":{"metadata":{"na');
        server.end();
      },
    ],
    ['a line that is not JSON', () => server.write('<html>bad gateway</html>\n')],
    ['null', () => server.write('null\n')],
    ['an unknown event', () => server.write('{"type":"CHANGED","object":{}}\n')],
    ['an event without an object', () => server.write('{"type":"ADDED"}\n')],
    [
      'an object without a name',
      () => server.write('{"type":"ADDED","object":{"metadata":{"resourceVersion":"9999"}}}\n'),
    ],
    ['an error event', () => server.write('{"type":"ERROR","object":{"code":500,"message":"etcd is ill"}}\n')],
  ])('miss nothing after %s in the stream', async (_name, fault) => {
    server.put('a');
    server.put('b');
    await followed();
    fault();
    server.silently(() => {
      server.put('a', { breakers: ['changed'] });
      server.put('c');
      server.remove('b');
    });
    await agree();
    await watching();
  });

  it('miss nothing over a hundred resets of the stream', async () => {
    for (const name of ['a', 'b', 'c']) server.put(name);
    await followed({ backoffMaxMs: 10 });
    for (let round = 0; round < 100; round += 1) {
      await watching();
      server.silently(() => {
        server.put('a', { breakers: [`a${round}`] });
        if (server.objects.has('default/b')) server.remove('b');
        else server.put('b');
        server.put(`c${round}`);
      });
      const [stream] = server.streams;
      server.cut();
      // The next stream may be open before the test server notices the end of this one.
      await until(() => !server.streams.has(stream!));
    }
    await agree();
    expect(source.state().resourceVersion).toBe(server.version);
  });

  it.each([
    ['a page of HTML', '<!doctype html><h1>Welcome</h1>'],
    ['JSON that is no list', '{"items":7}'],
    [
      'an item without a uid',
      '{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a","namespace":"b"}}]}',
    ],
    ['half of the JSON', '{"metadata":{"resourceVersion":"9"},"items":[{'],
  ])('stay as they are when the list is %s', async (_name, text) => {
    server.put('a');
    await followed();
    server.break('list', answer(text));
    server.cut();
    await until(() => source.state().unreadable !== undefined);
    expect(names()).toEqual(['a']);
    server.heal('list');
    await watching();
  });

  it('survive a list and a watch that are never answered', async () => {
    server.put('a');
    server.breakOnce('list', silence);
    server.breakOnce('watch', silence);
    await follow({ requestMs: 30, silenceMs: 60 });
    await until(() => source.state().unreadable?.includes('no answer') === true);
    await until(() => server.streams.size > 0);
    server.put('b');
    await agree();
  });

  it('are read afresh when the watch falls silent', async () => {
    await followed({ silenceMs: 50 });
    server.silently(() => server.put('a'));
    await agree();
    expect(server.asked.watch).toBeGreaterThan(1);
  });

  it('wait as long as the API server asks', async () => {
    server.breakOnce('list', status(429, { 'retry-after': '1' }));
    const begun = performance.now();
    await followed();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(990);
  });

  it.each([
    ['every list fails', () => server.break('list', status(500)), () => server.asked.list],
    ['every list is reset', () => server.break('list', reset), () => server.asked.list],
    ['every watch ends at once', () => server.break('watch', answer('')), () => server.asked.watch],
    ['every watch has expired', () => server.break('watch', status(410)), () => server.asked.list],
    ['every watch is refused', () => server.break('watch', status(403)), () => server.asked.watch],
    ['every page has expired', () => server.break('list', status(410)), () => server.asked.list],
  ])('are not asked for in a tight loop when %s', async (_name, fault, asked) => {
    fault();
    const begun = performance.now();
    await follow({ backoffMinMs: 20, backoffMaxMs: 80, expiredMinMs: 20, healthyMs: 60_000 });
    await until(() => asked() >= 8);
    const waits = asked() - 1;
    const least = Array.from({ length: waits }, (_, i) => Math.min(80, 20 * 2 ** i) / 2).reduce((a, b) => a + b, 0);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(least * 0.9);
  });

  it('agree with the API server after a storm of changes and faults', async () => {
    const random = seeded(7);
    const faults = [
      () => server.cut(),
      () => server.end(),
      () => server.compact(),
      () => server.write('{"type":"MODI'),
      () => server.write('garbage\n'),
      () => server.breakOnce('list', status(500)),
      () => server.breakOnce('list', reset),
      () => server.breakOnce('watch', status(410)),
      () => server.breakOnce('discovery', status(503)),
    ];
    await followed();
    for (let step = 0; step < 400; step += 1) {
      const name = `p${Math.floor(random() * 20)}`;
      if (server.objects.has(`default/${name}`) && random() < 0.4) server.remove(name);
      else server.put(name, { breakers: [`b${step}`] });
      if (random() < 0.1) faults[Math.floor(random() * faults.length)]!();
      if (random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
    }
    await agree();
    await watching();
    expect(source.state().resourceVersion).toBe(server.version);
  });
});

describe('removals', () => {
  const terminating = ['delete', 'deletecollection', 'get', 'list', 'watch'];

  it('are believed while the definition is served', async () => {
    server.put('a');
    server.put('b');
    await followed();
    server.remove('a');
    await until(() => names().join() === 'b');
    expect(source.state().resourceVersion).toBe(server.version);
  });

  it.each([
    ['is being deleted', terminating],
    ['is gone', undefined],
  ])('cannot be read when the definition %s', async (_name, verbs) => {
    server.put('a');
    server.put('b');
    await followed();
    const resourceVersion = source.state().resourceVersion;
    server.verbs = verbs;
    server.remove('a');
    server.remove('b');
    await until(() => source.state().unreadable !== undefined);
    expect(source.state().unreadable).toMatch(/kubectl apply -f crds/);
    await until(() => server.asked.list > 3);
    expect(names()).toEqual(['a', 'b']);
    expect(source.state().resourceVersion).toBe(resourceVersion);
    server.verbs = ['create', ...terminating];
    await agree();
    await watching();
  });

  it('cannot be read when the API server learns of the deletion of the definition a moment later', async () => {
    server.put('a');
    await followed({ holdMs: 30 });
    server.breakOnce('discovery', (_request, _response, proceed) => {
      proceed();
      server.verbs = terminating;
    });
    server.remove('a');
    await until(() => source.state().unreadable !== undefined);
    expect(names()).toEqual(['a']);
  });

  it('cannot be read when a list is short because the definition is being deleted', async () => {
    server.put('a');
    await followed();
    server.silently(() => server.remove('a'));
    server.verbs = terminating;
    server.cut();
    await until(() => source.state().unreadable !== undefined);
    expect(names()).toEqual(['a']);
  });

  it('are not taken from the first list while the definition is being deleted', async () => {
    server.verbs = terminating;
    await follow();
    await until(() => source.state().unreadable !== undefined);
    expect(source.state().synced).toBe(false);
  });

  it('cannot be read, with a message that names the ClusterRole, when discovery is forbidden', async () => {
    server.put('a');
    await followed();
    server.break('discovery', status(403));
    server.remove('a');
    await until(() => source.state().unreadable?.includes('system:discovery') === true);
    expect(names()).toEqual(['a']);
    server.heal('discovery');
    await agree();
  });

  it('hold back as of when the policies are, and nothing else', async () => {
    server.put('a');
    server.put('b');
    await followed({ holdMs: 200 });
    const resourceVersion = source.state().resourceVersion;
    server.remove('a');
    server.put('b', { breakers: ['edited'] });
    await until(() => source.state().policies.get('default/b')?.generation === 2);
    expect(names()).toEqual(['a', 'b']);
    expect(source.state().resourceVersion).toBe(resourceVersion);
    await agree();
    expect(source.state().resourceVersion).toBe(server.version);
  });

  it('are believed one by one, and as of moves with them', async () => {
    server.put('a');
    server.put('b');
    await followed();
    const looks: (() => void)[] = [];
    const look = async () => {
      await until(() => looks.length > 0);
      looks.shift()!();
    };
    server.break('discovery', (_request, _response, proceed) => looks.push(proceed));
    server.remove('a');
    await until(() => looks.length > 0);
    server.remove('b');
    const removed = Number(server.version);
    server.put('c');
    await until(() => names().includes('c'));
    await look();
    await look();
    await until(() => names().join() === 'b,c');
    expect(source.state().resourceVersion).toBe(String(removed - 1));
    await look();
    await look();
    await agree();
    expect(source.state().resourceVersion).toBe(server.version);
  });

  it('leave no gap when a policy comes back under its name', async () => {
    server.put('a');
    await followed();
    const seen: string[] = [];
    server.remove('a');
    server.put('a', { breakers: ['again'] });
    await until(() => {
      seen.push(names().join());
      return source.state().policies.get('default/a')?.uid === server.objects.get('default/a')!.metadata.uid;
    });
    await source.refresh();
    expect(new Set(seen)).toEqual(new Set(['a']));
    expect(names()).toEqual(['a']);
  });

  it('follow a store that was restored to an older state', async () => {
    server.put('a');
    for (let i = 0; i < 10; i += 1) server.put('b', { breakers: [`b${i}`] });
    await followed();
    server.restore(101, ['a']);
    server.bookmark();
    await agree();
    expect(source.state().resourceVersion).toBe('101');
  });
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
