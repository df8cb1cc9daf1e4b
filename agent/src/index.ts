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
export {
  CallTimeoutError,
  CircuitOpenError,
  ConfigError,
  type ErrorCode,
  FuseboardError,
  isFuseboardError,
} from './errors.ts';
export type { Call, CallContext, ExecuteOptions } from './execute.ts';
export type { LinkState } from './link/link.ts';
export type { StartOptions } from './link/settings.ts';
export type { BreakerOptions, PolicyDefaults } from './registry.ts';
