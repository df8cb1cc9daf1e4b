export { type RedisClient, type RedisStoreOptions, redisStore } from './redis-store.ts';
export { type SharedState, type ShareOptions, shareState } from './shared-state.ts';
export { memoryStore, type StateStore } from './state-store.ts';
