/** How new a set of policies is: the resourceVersion of the cache that it came from, a decimal string. */
export interface AsOf {
  readonly policies?: string;
}

/**
 * Reads what an agent sends as `since`, such as `policies=123,overrides=45`.
 *
 * @throws {RangeError} when it is not of this form.
 */
export function parseSince(text: string): AsOf {
  if (text === '') return {};
  const parts = text.split(',').map((part) => /^([a-z]+)=([0-9]{1,20})$/.exec(part.trim()));
  if (parts.includes(null)) throw new RangeError(`since: "${text}" is not of the form policies=123,overrides=45`);
  const policies = parts.find((part) => part![1] === 'policies')?.[2];
  return policies === undefined ? {} : { policies };
}

/** Whether a replica has seen less than an agent. Where one of the two has no versions, it has not. */
export function isBehind(replica: AsOf | undefined, agent: AsOf): boolean {
  if (replica?.policies === undefined || agent.policies === undefined) return false;
  return BigInt(replica.policies) < BigInt(agent.policies);
}
