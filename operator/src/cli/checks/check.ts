/** `failed` causes exit code 1. `warning` marks a problem to come, or a setting that may be unintended. */
const CHECK_RESULTS = ['ok', 'warning', 'failed', 'unknown'] as const;
export type CheckResult = (typeof CHECK_RESULTS)[number];

/** The result of one check: its subject, the finding, and the fix. */
export interface Check {
  readonly name: string;
  readonly result: CheckResult;
  readonly message: string;
  /** The fix; absent when none is needed. */
  readonly advice?: string;
}

export const ok = (name: string, message: string): Check => ({ name, result: 'ok', message });
export const warning = (name: string, message: string, advice: string): Check => ({
  ...{ name, result: 'warning', message, advice },
});
export const failed = (name: string, message: string, advice: string): Check => ({
  ...{ name, result: 'failed', message, advice },
});
/** A check that could not be made. */
export const unknown = (name: string, message: string, advice: string): Check => ({
  ...{ name, result: 'unknown', message, advice },
});

/** Maximum number of names in a message. */
const NAMED = 3;

/** `a, b, c and 4 more` */
export const listed = (names: readonly string[]) =>
  names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;
