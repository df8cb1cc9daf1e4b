import { readdirSync, readFileSync } from 'node:fs';
import { faultsOf } from '@fuseboard/schema/wire-contract';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { Breaker } from '../src/breakers/breaker.ts';
import { Registry } from '../src/breakers/registry.ts';
import { CoarseClock } from '../src/clock/coarse-clock.ts';
import type { Guard } from '../src/core/config/guard.ts';
import { EventDecoder } from '../src/link/event-stream.ts';
import { Ledger } from '../src/link/ledger.ts';
import { Link } from '../src/link/link.ts';
import { checkGuard, readSettings } from '../src/link/settings/settings.ts';
import { AGENT_VERSION } from '../src/version.ts';
import { eventually } from './eventually.ts';
import { ScriptedOperator } from './scripted-operator.ts';

interface Step {
  connect?: { lastEventId?: string | null; since?: string };
  refuse?: { status: number; headers?: Record<string, string> };
  send?: string;
  repeat?: { times: number; send: string };
  cut?: true;
  hangUp?: true;
  calls?: { breaker: string; failures: number; error?: { name: string; message: string } };
  answer?: number[];
  answered?: true;
  report?: { path?: string; holds: unknown };
  expect?: { link?: string; breakers?: Record<string, ExpectedBreaker> };
  warned?: Record<string, number>;
}
interface ExpectedBreaker {
  uid?: string | null;
  generation?: number;
  state?: string;
  heldBy?: string | null;
  guardedBy?: string;
}
interface Conversation {
  title: string;
  breakers: string[];
  guard?: Guard;
  steps: Step[];
}

const folder = new URL('../../crds/schema/conversations/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const conversations = files.map((file) => ({
  file,
  ...(parse(readFileSync(new URL(file, folder), 'utf8')) as Conversation),
}));
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('every conversation', () => {
  it('is there', () => {
    expect(files.length).toBeGreaterThanOrEqual(25);
  });

  it.each(conversations)('$file sends what the schema of the wire allows', ({ steps }) => {
    const decoder = new EventDecoder();
    const texts = steps.flatMap(({ send, repeat }) => [send, repeat?.send].filter((text) => text !== undefined));
    const faults = texts.flatMap((text) =>
      decoder
        .decode(Buffer.from(`${text}\n`))
        .events.filter(({ event, data }) => event !== 'weather' && JSON.parse(data).action !== 'Slow')
        .flatMap(({ event, data }) => faultsOf(event, JSON.parse(data))),
    );
    expect(faults).toEqual([]);
  });

  it.each(conversations)('$file: $title', (conversation) => replay(conversation));
});

async function replay({ breakers: names, guard = {}, steps }: Conversation): Promise<void> {
  const operator = await ScriptedOperator.start();
  const clock = new CoarseClock();
  const registry = new Registry({ clock, timeouts: clock });
  checkGuard(guard);
  registry.useGuard(guard);
  const breakers = new Map(names.map((name) => [name, registry.getBreaker(name)]));
  const ledger = new Ledger('c'.repeat(32));
  const settings = readSettings({ url: operator.url, service: 'checkout', labels: { app: 'checkout' } }, {});
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const link = new Link({ settings, registry, holder: { ledger }, warn, random: () => 0 });
  closing.push(
    () => link.stop(0),
    () => operator.stop(),
  );
  link.load();
  void link.start();
  for (const step of steps) await play(step, { operator, link, breakers, warnings });
}

interface Scene {
  readonly operator: ScriptedOperator;
  readonly link: Link;
  readonly breakers: ReadonlyMap<string, Breaker>;
  readonly warnings: readonly string[];
}

async function play(step: Step, { operator, link, breakers, warnings }: Scene): Promise<void> {
  if (step.connect !== undefined) {
    const { query, lastEventId } = await operator.connected();
    const { since } = step.connect;
    expect({ lastEventId, since: query.get('since') }).toMatchObject(
      'lastEventId' in step.connect || since !== undefined ? step.connect : {},
    );
    const fields = Object.fromEntries(query);
    expect(faultsOf('query', { ...fields, protocol: Number(fields.protocol) })).toEqual([]);
    expect(fields).toMatchObject({ service: 'checkout', labels: 'app=checkout', language: 'node' });
    expect(fields).toMatchObject({ version: AGENT_VERSION, runtime: process.versions.node });
  }
  if (step.refuse !== undefined) operator.refuse(step.refuse.status, step.refuse.headers ?? {});
  if (step.send !== undefined) operator.send(step.send);
  if (step.repeat !== undefined) {
    const { times, send } = step.repeat;
    operator.send(Array.from({ length: times }, (_, i) => send.replaceAll('$i', String(i))).join('\n'));
  }
  if (step.cut) operator.cut();
  if (step.hangUp) await operator.hungUp();
  if (step.answer !== undefined) operator.answerReports(step.answer);
  if (step.answered) await operator.answered();
  if (step.calls !== undefined) {
    const { breaker, failures, error } = step.calls;
    const thrown = error && Object.assign(new Error(error.message), { name: error.name });
    for (let i = 0; i < failures; i++) breakers.get(breaker)!.enter()?.fail(thrown);
  }
  if (step.report !== undefined) await reported(step.report, operator);
  if (step.expect !== undefined) await comesTo(step.expect, link, breakers);
  for (const [text, times] of Object.entries(step.warned ?? {})) {
    expect(warnings.filter((warning) => warning.includes(text))).toHaveLength(times);
  }
}

/** Takes reports as they come until one holds what is expected. */
async function reported({ path = '/v1/report', holds }: NonNullable<Step['report']>, operator: ScriptedOperator) {
  const seen: unknown[] = [];
  for (;;) {
    await eventually(() => operator.reports.length > 0).catch(() => {
      throw new Error(`no report holds ${JSON.stringify(holds)}; there were ${JSON.stringify(seen)}`);
    });
    const { path: at, report } = operator.reports.shift()!;
    expect(faultsOf('report', report)).toEqual([]);
    seen.push({ at, ...report });
    if (at === path && held(holds, report)) return;
  }
}

function held(wanted: unknown, found: unknown): boolean {
  if (wanted === null) return found === undefined;
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && found.length === wanted.length && wanted.every((one, i) => held(one, found[i]));
  }
  if (typeof wanted !== 'object') return wanted === found;
  if (typeof found !== 'object' || found === null) return false;
  return Object.entries(wanted).every(([key, value]) => held(value, (found as Record<string, unknown>)[key]));
}

async function comesTo(wanted: NonNullable<Step['expect']>, link: Link, breakers: Scene['breakers']): Promise<void> {
  const look = () => ({
    ...(wanted.link === undefined ? {} : { link: link.state }),
    breakers: Object.fromEntries(
      Object.entries(wanted.breakers ?? {}).map(([name, fields]) => {
        const all = shown(breakers.get(name)!);
        return [name, Object.fromEntries(Object.keys(fields).map((key) => [key, all[key as keyof typeof all]]))];
      }),
    ),
  });
  const text = JSON.stringify({ ...(wanted.link ? { link: wanted.link } : {}), breakers: wanted.breakers ?? {} });
  await eventually(() => JSON.stringify(look()) === text).catch(() => expect(JSON.stringify(look())).toBe(text));
}

function shown(breaker: Breaker) {
  const { uid = null, state, forced, guardedBy = [] } = breaker.stats();
  return {
    uid,
    generation: breaker.policy?.generation,
    state,
    heldBy: forced?.override?.uid ?? null,
    guardedBy: guardedBy.join(', '),
  };
}
