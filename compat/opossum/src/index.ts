import type Declared from '../types/index.cjs';
import { CircuitBreaker } from './circuit-breaker.ts';

/** The class with the types that it is published with. */
export default CircuitBreaker as unknown as typeof Declared;
