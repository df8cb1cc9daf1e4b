import CircuitBreaker from './index.cjs';

export default CircuitBreaker;
