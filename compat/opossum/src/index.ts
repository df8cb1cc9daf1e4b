export { CircuitBreaker as default } from './circuit-breaker.ts';
