/** An invalid flag or combination of flags. The message names the flag and says what to do. */
export class UsageError extends Error {}
