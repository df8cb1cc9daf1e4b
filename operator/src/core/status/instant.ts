/** A time as the Kubernetes API writes it, in whole seconds. */
export const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
