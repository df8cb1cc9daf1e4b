import { specProblems, tooDeep } from '@fuseboard/schema';
import { compile } from '../../agent/src/core/config/config.ts';
import { entryOf } from '../../operator/src/core/delivery/snapshot.ts';
import { routingOf } from '../../operator/src/core/policy/routing.ts';
import { parsePolicyFile } from '../../operator/src/sources/file.ts';
import { corpus, inJson, must, type Target } from '../target.ts';

const written = corpus('policy-file').flatMap((file) => parsePolicyFile(file.toString()).policies);
const stored = corpus('crd-object').flatMap(
  (file) => (JSON.parse(file.toString()) as { object?: { spec: unknown } }).object ?? [],
);

/** A spec, on both sides: what the operator finds sound, every agent can use. */
export const spec: Target = {
  name: 'spec',
  corpus: [...written, ...stored].flatMap(({ spec: one }) => (tooDeep(one) ? [] : [Buffer.from(JSON.stringify(one))])),
  share: 100,
  ...inJson((given) => {
    const problems = specProblems(given);
    for (const { field, message } of problems) must(field !== '' && message !== '', 'a problem says nothing');
    const compiled = compile(given);
    if (problems.length > 0) return { sound: false };
    must(compiled.ok, `the operator takes it, an agent does not: ${'message' in compiled ? compiled.message : ''}`);
    const policy = { uid: 'u', namespace: 'n', name: 'p', generation: 1, createdAt: 0, spec: given as never, problems };
    routingOf(policy);
    return { sound: true, made: entryOf({ ...policy, hold: false }).bytes.length };
  }),
};
