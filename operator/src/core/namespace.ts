/** The namespace of a policy or an agent that names none. */
export const DEFAULT_NAMESPACE = 'default';
