/** A flag or a combination of flags that cannot be used; the message names the flag and says what to do. */
export class UsageError extends Error {}
