import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBootstrap } from '../../agent/src/link/local/bootstrap.ts';
import { HeldPolicies } from '../../agent/src/link/local/held-policies.ts';
import { readLastGood } from '../../agent/src/link/local/last-good.ts';
import { PolicyStore } from '../../agent/src/link/policy-store.ts';
import { asJson, must, type Target } from '../target.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuseboard-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const SPEC = { breakers: ['payments', 'partner-*'], trip: { consecutiveFailures: 3 } };
const stored = {
  revision: 'r1',
  asOf: { policies: '12' },
  routes: [['payments', 'u1']],
  policies: [{ uid: 'u1', generation: 2, name: 'payments', spec: SPEC }],
  rejections: [{ uid: 'u2', generation: 1, field: 'spec.mode', message: 'is unknown' }],
};

/** The file that an agent keeps, with a checksum that is right where the text is one of ours. */
export const lastGood: Target = {
  name: 'last-good',
  corpus: [Buffer.from(JSON.stringify(stored))],
  share: 30,
  mutate: asJson,
  run(input) {
    const path = join(folder, 'last-good');
    const right = input.length % 4 !== 0;
    const sum = createHash('sha256')
      .update(right ? input.toString() : 'other')
      .digest('hex');
    writeFileSync(path, Buffer.concat([Buffer.from(`fuseboard last-good 1 ${sum}\n`), input]));
    const { set, problem } = readLastGood(path);
    must((set === undefined) !== (problem === undefined), 'a file is neither used nor refused');
    must(right || set === undefined, 'a file with a wrong checksum is used');
    if (set === undefined) return { sound: false };
    const held = new HeldPolicies(() => performance.now());
    const restored = held.restore(set, 'last-good');
    for (const route of restored.routes) must(typeof route[0] === 'string', 'a route has no name');
    return { sound: true, made: Buffer.byteLength(JSON.stringify(new PolicyStore(held).stored())) };
  },
};

const resource = {
  apiVersion: 'fuseboard.dev/v1alpha1',
  kind: 'CircuitBreakerPolicy',
  metadata: {
    name: 'payments',
    namespace: 'shop',
    uid: 'u1',
    generation: 2,
    creationTimestamp: '2026-01-02T03:04:05Z',
  },
  spec: { ...SPEC, selector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] } },
};

/** The policies that an agent has before it ever reached an operator. */
export const bootstrap: Target = {
  name: 'bootstrap',
  corpus: [resource, [resource], { kind: 'List', items: [resource, resource] }].map((one) =>
    Buffer.from(JSON.stringify(one)),
  ),
  share: 10,
  mutate: asJson,
  run(input) {
    const path = join(folder, 'bootstrap');
    writeFileSync(path, input);
    const { set, problem } = readBootstrap(path, { namespace: 'shop', labels: { app: 'web', a: '' } });
    must((set === undefined) !== (problem === undefined), 'a file is neither used nor refused');
    if (set === undefined) return { sound: false };
    new HeldPolicies(() => performance.now()).restore(set, 'bootstrap');
    return { sound: true };
  },
};
