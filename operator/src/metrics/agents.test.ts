import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import { Fleet } from '../core/fleet/fleet.ts';
import { agentMetrics } from './agents.ts';
import { readingInto } from './reading.ts';

it('counts agents by namespace, and says how far behind the worst is', async () => {
  const clock = { at: 0, now: () => clock.at };
  const fleet = new Fleet();
  const registry = new Registry();
  agentMetrics(readingInto(registry), fleet, clock);
  const snapshot = new SnapshotCache().snapshot('shop', {});
  const join = (namespace: string, boot: string) => {
    const agent = fleet.connect({ namespace, boot, service: 's', instance: boot, labels: {} }, clock.at);
    fleet.setTarget(agent, snapshot, clock.at);
    fleet.sent(agent, snapshot);
    return agent;
  };
  const report = (boot: string) => {
    const common = { protocol: 1, service: 's', instance: boot, sequence: 1, part: 1, parts: 1 };
    fleet.report(
      { namespace: 'shop' },
      { ...common, boot, revision: snapshot.revision, rejections: [], breakers: [] },
      clock.at,
    );
  };
  join('bank', 'gone');
  clock.at = 20_000;
  fleet.disconnect(join('shop', 'stale'));
  clock.at = 40_000;
  join('shop', 'behind');
  join('shop', 'well');
  clock.at = 62_000;
  report('well');
  const text = await registry.metrics();
  for (const line of [
    'fuseboard_agents{namespace="bank",state="live"} 0',
    'fuseboard_agents{namespace="bank",state="gone"} 1',
    'fuseboard_agents{namespace="shop",state="live"} 2',
    'fuseboard_agents{namespace="shop",state="stale"} 1',
    'fuseboard_connected_agents{namespace="bank"} 1',
    'fuseboard_connected_agents{namespace="shop"} 2',
    'fuseboard_agents_behind{namespace="bank"} 0',
    'fuseboard_agents_behind{namespace="shop"} 2',
    'fuseboard_revision_lag_seconds{namespace="bank"} 0',
    'fuseboard_revision_lag_seconds{namespace="shop"} 42',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

it('counts agents by language and version, and puts rare versions together', async () => {
  const fleet = new Fleet();
  const registry = new Registry();
  agentMetrics(readingInto(registry), fleet, { now: () => 0 });
  const join = (i: number, library: object) =>
    fleet.connect({ namespace: 'shop', boot: `${i}`, service: 's', instance: `${i}`, labels: {}, ...library }, 0);
  for (let i = 0; i < 3; i++) join(i, { language: 'python', version: '0.1.0', runtime: `3.${i}` });
  for (let i = 3; i < 5; i++) join(i, { language: 'node', version: '0.1.0' });
  for (let i = 5; i < 7; i++) join(i, {});
  for (let i = 7; i < 107; i++) join(i, { language: 'python', version: `9.${i}` });
  const text = await registry.metrics();
  const lines = text.split('\n').filter((line) => line.startsWith('fuseboard_agent_versions{'));
  expect(lines.slice(0, 3)).toEqual([
    'fuseboard_agent_versions{language="python",version="0.1.0"} 3',
    'fuseboard_agent_versions{language="node",version="0.1.0"} 2',
    'fuseboard_agent_versions{language="unknown",version="unknown"} 2',
  ]);
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe('fuseboard_agent_versions{language="other",version="other"} 83');
});
