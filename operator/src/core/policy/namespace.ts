/** The namespace of a policy or an agent that names none. */
export const DEFAULT_NAMESPACE = 'default';

/** What a namespace may be called. */
export const NAMESPACE_PATTERN = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
