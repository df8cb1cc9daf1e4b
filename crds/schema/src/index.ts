export * from './defaults.ts';
export * from './duration.ts';
export * from './override.ts';
export * from './policy.ts';
export * from './rules.ts';
export * from './status.ts';
export type * from './types.ts';
export * from './wire.ts';
export * from './wire-schema.ts';
