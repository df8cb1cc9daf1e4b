import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../../../test/until.ts';
import { LimitLog } from '../../core/limits/limit-log.ts';
import { type Listening, listen } from '../server.ts';
import { injectorApp, readAuthority } from './injector.ts';

const PAIRS = join(import.meta.dirname, '../../../test/tls');

let folder: string;
let caFile: string;
let server: Listening;
let lines: string[];
let facts: object[];
let limits: LimitLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-injector-'));
  caFile = join(folder, 'ca.crt');
  await writeFile(caFile, await readFile(join(PAIRS, 'one.crt')));
  lines = [];
  facts = [];
  const say = (told: object, line: string) => {
    lines.push(line);
    facts.push(told);
  };
  const log = { info: say, warn: say, error: say } as never;
  limits = new LimitLog();
  const place = { url: 'https://operator:8443', caFile, audience: 'fuseboard' };
  const app = injectorApp({ ...place, log, limits, clock: { now: () => 0 }, random: () => 0 });
  const bounds = { what: 'the webhook', flag: '--webhook-port', maxConnections: 300 };
  server = await listen(app, { host: '127.0.0.1', port: 0 }, bounds);
});

afterEach(async () => {
  server.cut();
  await server.close();
  await rm(folder, { recursive: true });
});

const POD = {
  metadata: { name: 'web', annotations: { 'fuseboard.dev/inject': 'true' } },
  spec: { serviceAccountName: 'shop', containers: [{ name: 'web' }] },
};
const review = (over: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u-1',
    operation: 'CREATE',
    namespace: 'shop',
    resource: { group: '', version: 'v1', resource: 'pods' },
    object: POD,
    ...over,
  },
});
const post = (body: unknown, type = 'application/json') =>
  fetch(`${server.url}/inject?timeout=3s`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever is answered
const answered = async (body: object): Promise<any> => {
  const response = await post(body);
  expect(response.status).toBe(200);
  return ((await response.json()) as { response: unknown }).response;
};
const values = (patch: string) =>
  (JSON.parse(Buffer.from(patch, 'base64').toString()) as { path: string; value: unknown }[]).map(({ path, value }) => [
    path,
    value,
  ]);

describe('the webhook', () => {
  it('patches the pod of a dry run too, and logs only pods that are created', async () => {
    expect(await answered(review({ dryRun: true }))).toHaveProperty('patch');
    expect(lines).toEqual([]);
    await answered(review({ dryRun: false }));
    expect(lines).toEqual(['injected a pod']);
  });

  it('answers a review with a patch that carries the authority as it is in the file now', async () => {
    const { patch, ...rest } = await answered(review());
    expect(rest).toEqual({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
    expect(values(patch)).toContainEqual([
      '/metadata/annotations/fuseboard.dev~1ca',
      await readAuthority(join(PAIRS, 'one.crt')),
    ]);
    await writeFile(caFile, await readFile(join(PAIRS, 'two.crt')));
    const again = values((await answered(review())).patch);
    expect(again).toContainEqual([
      '/metadata/annotations/fuseboard.dev~1ca',
      await readAuthority(join(PAIRS, 'two.crt')),
    ]);
    expect(again).toContainEqual(['/metadata/annotations/fuseboard.dev~1url', 'https://operator:8443']);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is gone', () => rm(caFile)],
    ['is half written', () => writeFile(caFile, '-----BEGIN CERTIFICATE-----\nMII')],
  ])('patches with the authority that it read last while the file %s', async (_what, damage) => {
    await answered(review({ dryRun: true }));
    await damage();
    const authority = await readAuthority(join(PAIRS, 'one.crt'));
    expect(values((await answered(review({ dryRun: true }))).patch)).toContainEqual([
      '/metadata/annotations/fuseboard.dev~1ca',
      authority,
    ]);
    expect(lines).toEqual([expect.stringMatching(/--webhook-ca-file: .*; pods get the certificates/)]);
  });

  it.each<[string, object]>([
    ['a pod that did not ask', { object: { spec: { containers: [] } } }],
    ['an update', { operation: 'UPDATE' }],
    ['another resource', { resource: { group: 'apps', resource: 'deployments' } }],
    ['a pod of another group', { resource: { group: 'metrics.k8s.io', resource: 'pods' } }],
  ])('lets %s pass as it is', async (_what, over) => {
    expect(await answered(review(over))).toEqual({ uid: 'u-1', allowed: true });
  });

  it.each<[string, () => Promise<unknown>, object, RegExp]>([
    ['the authority cannot be read', () => rm(caFile), {}, /--webhook-ca-file: ENOENT/],
    ['the file holds no authority', () => writeFile(caFile, 'soon'), {}, /holds no certificate/],
    ['the pod is of no known shape', async () => {}, { object: { spec: { containers: 3 } } }, /spec\.containers/],
    ['there is no pod', async () => {}, { object: null }, /: pod: must be a map of fields, not null$/],
  ])('lets a pod pass, warns its maker and says why in the log when %s', async (_what, broken, over, why) => {
    await broken();
    const { allowed, patch, warnings } = await answered(review(over));
    expect([allowed, patch, warnings]).toEqual([
      true,
      undefined,
      [expect.stringContaining('see the log of the operator')],
    ]);
    expect(lines).toEqual([expect.stringMatching(why)]);
  });

  it.each<[string, unknown, number]>([
    ['no JSON', '{', 400],
    ['no review', {}, 400],
    ['a review of an older kind', { ...review(), apiVersion: 'admission.k8s.io/v1beta1' }, 400],
    ['a review without an uid', review({ uid: undefined }), 400],
    ['a body of 5 MB', review({ object: 'x'.repeat(5_000_000) }), 413],
    ['a body of small objects', review({ object: Array(200_000).fill({}) }), 413],
  ])('refuses %s', async (_what, body, status) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  it('puts only a part of what a forged review holds into the log', async () => {
    const long = '\u001b'.repeat(100_000);
    const pod = (over: object) => ({ ...POD, metadata: { ...POD.metadata, ...over } });
    await answered(review({ namespace: long, object: pod({ name: long }) }));
    await answered(review({ namespace: long, object: pod({ name: undefined, generateName: long }) }));
    await answered(review({ namespace: long, object: pod({ annotations: { [long]: 1 } }) }));
    const text = JSON.stringify([lines, facts]);
    expect(lines).toHaveLength(3);
    expect(text.length).toBeLessThan(20_000);
    expect(facts.flatMap((told) => Object.values(told)).some((value) => value.includes('\u001b'))).toBe(false);
  });

  it('logs a bounded number of lines of one address, and still answers each review', async () => {
    for (let i = 0; i < 100; i += 1) expect(await answered(review())).toHaveProperty('patch');
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(limits.cut['review-log-lines']).toBe(100 - lines.length);
  });

  it('answers the API server while unfinished reviews of another address hold all that they can', async () => {
    const { port } = new URL(server.url);
    const held = Array.from({ length: 126 }, () => {
      const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' }).on(
        'error',
        () => {},
      );
      socket.write('POST /inject HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{');
      return socket;
    });
    try {
      await until(() => limits.cut.reviews > 0);
      expect(await answered(review())).toHaveProperty('patch');
    } finally {
      for (const socket of held) socket.destroy();
    }
  });

  it('answers 404 to other paths and methods', async () => {
    expect((await fetch(`${server.url}/`)).status).toBe(404);
    expect((await fetch(`${server.url}/inject`)).status).toBe(404);
  });
});

describe('the authority', () => {
  it('is only the certificates of the file, never a key in the same file', async () => {
    const [one, two] = await Promise.all(['one', 'two'].map((name) => readFile(join(PAIRS, `${name}.crt`), 'utf8')));
    await writeFile(caFile, `# old\n${one}${await readFile(join(PAIRS, 'one.key'), 'utf8')}# new\n${two}`);
    const authority = await readAuthority(caFile);
    expect(authority.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(authority).not.toMatch(/KEY|#/);
  });

  it('is not more than a pod can carry', async () => {
    await writeFile(caFile, (await readFile(join(PAIRS, 'one.crt'), 'utf8')).repeat(200));
    await expect(readAuthority(caFile)).rejects.toThrow(/--webhook-ca-file: .* 65536 is the limit/);
  });
});
