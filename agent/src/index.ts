export { type Agent, type AppliedEvent, getBreaker, start } from './agent.ts';
export type {
  Breaker,
  BreakerStats,
  ForceOptions,
  GoverningPolicy,
  LastError,
  Permit,
  Reason,
  Source,
  State,
  TransitionEvent,
  WrapOptions,
} from './breakers/breaker.ts';
export type { BreakerOptions, PolicyDefaults } from './breakers/registry.ts';
export type { Call, CallContext } from './call/context.ts';
export type { ExecuteOptions } from './call/execute.ts';
export type { Fallback, PolicyFallback } from './call/fallback.ts';
export type { CallOutcome, Classify } from './core/classify.ts';
export type { Guard } from './core/config/guard.ts';
export {
  CallTimeoutError,
  CircuitOpenError,
  ConfigError,
  type ErrorCode,
  FuseboardError,
  fuseboardErrorOf,
  isFuseboardError,
  LimitedError,
  QueueTimeoutError,
} from './errors/errors.ts';
export type { LinkState } from './link/link.ts';
export type { StartOptions } from './link/settings/start-options.ts';
