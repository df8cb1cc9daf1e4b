/** A time as the Kubernetes API writes it: UTC, in whole seconds. */
export const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** The milliseconds since 1970 of such a time. */
export const msOf = (text: string) => new Date(text).getTime();
