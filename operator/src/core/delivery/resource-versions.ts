/** The resourceVersions of a replica's caches, as decimal strings: they say how current its data is. */
export interface ResourceVersions {
  readonly policies?: string;
  readonly overrides?: string;
}

const KINDS = ['policies', 'overrides'] as const;

/**
 * Reads what an agent sends as `since`, such as `policies=123,overrides=45`.
 *
 * @throws {RangeError} when it is not of this form.
 */
export function parseSince(text: string): ResourceVersions {
  if (text === '') return {};
  const parts = text.split(',').map((part) => /^([a-z]+)=([0-9]{1,20})$/.exec(part.trim()));
  if (parts.includes(null)) throw new RangeError(`since: "${text}" is not of the form policies=123,overrides=45`);
  const versions = new Map(parts.map((part) => [part![1], part![2]]));
  return Object.fromEntries(KINDS.filter((kind) => versions.has(kind)).map((kind) => [kind, versions.get(kind)]));
}

/** Whether a replica has seen less than an agent. What one of the two has no version of is not compared. */
export function isBehind(replica: ResourceVersions | undefined, agent: ResourceVersions): boolean {
  return KINDS.some((kind) => {
    const [ours, theirs] = [replica?.[kind], agent[kind]];
    return ours !== undefined && theirs !== undefined && BigInt(ours) < BigInt(theirs);
  });
}
