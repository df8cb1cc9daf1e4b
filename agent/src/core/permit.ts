/// <reference lib="esnext.disposable" preserve="true" />

/** Permission for one call, from `enter`. Settle it once; settling it again does nothing. */
export interface Permit {
  /** The call succeeded. */
  succeed(): void;
  /** The call failed. An error is classified as the policy's `classify` says; without one it is a failure. */
  fail(error?: unknown): void;
  /** The outcome is ignored: it carries no information about the dependency. */
  ignore(): void;
  /** Leaving the scope of `using` unsettled is an ignored outcome. */
  [Symbol.dispose](): void;
}
