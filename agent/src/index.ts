export { type Agent, type AppliedEvent, getBreaker, start } from './agent.ts';
export type {
  Breaker,
  BreakerStats,
  ForceOptions,
  GoverningPolicy,
  Permit,
  Reason,
  Source,
  State,
  TransitionEvent,
} from './breaker.ts';
export type { Call, CallContext } from './context.ts';
export type { CallOutcome, Classify } from './core/classify.ts';
export {
  CallTimeoutError,
  CircuitOpenError,
  ConfigError,
  type ErrorCode,
  FuseboardError,
  isFuseboardError,
  LimitedError,
  QueueTimeoutError,
} from './errors.ts';
export type { ExecuteOptions } from './execute.ts';
export type { Fallback, PolicyFallback } from './fallback.ts';
export type { LinkState } from './link/link.ts';
export type { StartOptions } from './link/settings.ts';
export type { BreakerOptions, PolicyDefaults } from './registry.ts';
