/** The resourceVersions of a replica's caches, as decimal strings. They show how current its data is. */
export interface ResourceVersions {
  readonly policies?: string;
  readonly overrides?: string;
}

const KINDS = ['policies', 'overrides'] as const;

/**
 * Parses the `since` parameter of an agent's request, such as `policies=123,overrides=45`.
 *
 * @throws {RangeError} when the text does not have this form.
 */
export function parseSince(text: string): ResourceVersions {
  if (text === '') return {};
  const parts = text.split(',').map((part) => /^([a-z]+)=([0-9]{1,20})$/.exec(part.trim()));
  if (parts.includes(null)) throw new RangeError(`since: "${text}" is not of the form policies=123,overrides=45`);
  const versions = new Map(parts.map((part) => [part![1], part![2]]));
  return Object.fromEntries(KINDS.filter((kind) => versions.has(kind)).map((kind) => [kind, versions.get(kind)]));
}

/** Whether a replica has older data than an agent. A kind without a version on either side is not compared. */
export function isBehind(replica: ResourceVersions | undefined, agent: ResourceVersions): boolean {
  return KINDS.some((kind) => {
    const [ours, theirs] = [replica?.[kind], agent[kind]];
    return ours !== undefined && theirs !== undefined && BigInt(ours) < BigInt(theirs);
  });
}
