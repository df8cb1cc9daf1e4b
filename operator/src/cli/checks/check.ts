/** `failed` ends with exit code 1; a warning is something that will fail, or that nobody may have meant. */
const CHECK_RESULTS = ['ok', 'warning', 'failed', 'unknown'] as const;
export type CheckResult = (typeof CHECK_RESULTS)[number];

/** What was looked at, what was found, and what to do about it. */
export interface Check {
  readonly name: string;
  readonly result: CheckResult;
  readonly message: string;
  /** Absent: nothing is to be done. */
  readonly advice?: string;
}

export const ok = (name: string, message: string): Check => ({ name, result: 'ok', message });
export const warning = (name: string, message: string, advice: string): Check => ({
  ...{ name, result: 'warning', message, advice },
});
export const failed = (name: string, message: string, advice: string): Check => ({
  ...{ name, result: 'failed', message, advice },
});
/** It could not be looked at. */
export const unknown = (name: string, message: string, advice: string): Check => ({
  ...{ name, result: 'unknown', message, advice },
});

/** How many names a message holds. */
const NAMED = 3;

/** `a, b, c and 4 more` */
export const listed = (names: readonly string[]) =>
  names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;
