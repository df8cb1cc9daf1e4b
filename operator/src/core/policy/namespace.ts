/** The namespace of a policy or an agent that does not name one. */
export const DEFAULT_NAMESPACE = 'default';

/** The form of a valid namespace name. */
export const NAMESPACE_PATTERN = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
