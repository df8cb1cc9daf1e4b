export { type RedisClient, type RedisStoreOptions, redisStore } from './store/redis-store.ts';
export { type SharedState, type ShareOptions, shareState } from './store/shared-state.ts';
export { memoryStore, type StateStore } from './store/state-store.ts';
