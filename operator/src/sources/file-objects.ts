import { createHash } from 'node:crypto';
import { MAX_DURATION_MS, type OverrideSpec } from '@fuseboard/schema';
import { type Override, TOO_FAR } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';
import { readOverride } from '../core/policy/read-override.ts';
import type { SourceProblem, SourceState } from '../ports/source.ts';
import { type AcceptedFile, keyOf } from './accepted-file.ts';
import type { FileOverride, FilePolicy } from './file.ts';

/**
 * The policies and overrides of all files. Unchanged ones are the same objects as before, so that unchanged files cost
 * almost nothing.
 */
export class FileObjects {
  readonly #policies = new WeakMap<FilePolicy, Policy>();
  readonly #overrides = new WeakMap<FileOverride, Override>();

  /**
   * Combines the content of all files. Of two objects with the same name, the first by path of its file wins.
   *
   * @param before the state before, whose equal objects are reused.
   * @param now the creation time of new overrides, in milliseconds since 1970.
   */
  combine(
    files: ReadonlyMap<string, AcceptedFile>,
    before: SourceState,
    now: number,
  ): Required<Pick<SourceState, 'problems'>> & { policies: Map<string, Policy>; overrides: Map<string, Override> } {
    const policies = new Map<string, Policy>();
    const overrides = new Map<string, Override>();
    const problems: SourceProblem[] = [];
    const names = [...files.keys()].sort();
    for (const name of names) {
      const { parsed, problems: own } = files.get(name)!;
      problems.push(...own);
      for (const one of parsed.overrides) {
        const { line } = one;
        const key = keyOf(one);
        if (overrides.has(key)) {
          problems.push({
            where: name,
            line,
            message: `override ${key} is in another file too; remove one of the two`,
          });
        } else overrides.set(key, this.#overrideOf(one, now, before.overrides?.get(key)));
      }
      for (const one of parsed.policies) {
        const { line } = one;
        const key = keyOf(one);
        if (policies.has(key)) {
          const owner = names.find((other) => files.get(other)!.parsed.policies.some((its) => keyOf(its) === key));
          problems.push({ where: name, line, message: `policy ${key} is already in ${owner}; remove one of the two` });
        } else policies.set(key, this.#policyOf(one, before.policies.get(key)));
      }
    }
    return { policies, overrides, problems };
  }

  #policyOf(parsed: FilePolicy, before: Policy | undefined): Policy {
    const known = this.#policies.get(parsed);
    if (known !== undefined) return known;
    const fresh = toPolicy(parsed);
    const policy = before !== undefined && JSON.stringify(before) === JSON.stringify(fresh) ? before : fresh;
    this.#policies.set(parsed, policy);
    return policy;
  }

  #overrideOf(parsed: FileOverride, now: number, before: Override | undefined): Override {
    const override = this.#overrides.get(parsed) ?? toOverride(parsed, now, before);
    this.#overrides.set(parsed, override);
    return override;
  }
}

function toPolicy({ namespace, name, spec, links, problems: mistakes }: FilePolicy): Policy {
  const uid = createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 32);
  const problems = mistakes.map(({ field, message }) => ({ field, message }));
  return { uid, namespace, name, generation: 0, createdAt: 0, spec, problems, ...(links.length > 0 && { links }) };
}

/** Equal content is the same override, whenever it is read. */
function toOverride({ namespace, name, override, problems }: FileOverride, now: number, known?: Override): Override {
  const identity = JSON.stringify(['override', namespace, name, override]);
  const uid = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const createdAt = known?.uid === uid ? known.createdAt : now;
  const made = readOverride({ uid, namespace, name, createdAt, spec: override, createdBy: 'a file' });
  const read: Override = { ...made, inFile: true };
  const mistakes = problems.map(({ field, message }) => ({ field, message }));
  if (mistakes.length > 0) return { ...read, problems: mistakes };
  const far = Date.parse((override as OverrideSpec).expiresAt ?? '') - createdAt > MAX_DURATION_MS;
  return { ...read, problems: far ? [TOO_FAR] : [] };
}
