import { describe, expect, it } from '@jest/globals';
import { ConfigError, callTimeout, circuitOpen, FuseboardError, isFuseboardError } from './errors.ts';

describe('isFuseboardError', () => {
  it('knows our errors by code', () => {
    expect(isFuseboardError(circuitOpen({ name: 'a' }, 1))).toBe(true);
    expect(isFuseboardError(circuitOpen({ name: 'a' }, 1), 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(Reflect.get(circuitOpen({ name: 'a' }, 1), Symbol.for('fuseboard.error/1'))).toBe(true);
    expect(isFuseboardError(circuitOpen({ name: 'a' }, 1), 'ERR_FUSEBOARD_TIMEOUT')).toBe(false);
  });

  it('knows an error of another copy of the package, which is no instance of ours', () => {
    const foreign = { [Symbol.for('fuseboard.error/1')]: true, code: 'ERR_FUSEBOARD_OPEN' };
    expect(foreign).not.toBeInstanceOf(FuseboardError);
    expect(isFuseboardError(foreign, 'ERR_FUSEBOARD_OPEN')).toBe(true);
  });

  it.each([null, undefined, 'ERR_FUSEBOARD_OPEN', {}, new Error('x')])('does not know %p', (error) => {
    expect(isFuseboardError(error)).toBe(false);
  });
});

describe('an error', () => {
  it('of a call has no stack, and leaves the setting for stacks as it was', () => {
    const before = Error.stackTraceLimit;
    expect(callTimeout({ name: 'a' }, 20).stack).toBe(
      'CallTimeoutError: a call through breaker "a" was given up after 20 ms',
    );
    expect(Error.stackTraceLimit).toBe(before);
  });

  it('is made where the setting for stacks cannot be changed, too', () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')!;
    Object.defineProperty(Error, 'stackTraceLimit', { ...before, writable: false });
    try {
      expect(circuitOpen({ name: 'a' }, 1)).toBeInstanceOf(FuseboardError);
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', before);
    }
  });

  it('of a wrong setting has one', () => {
    expect(new ConfigError('a', 0, 'wrong').stack).toContain('errors.test.ts');
  });

  it('rounds times up, so that a retry after them is not too early', () => {
    expect(circuitOpen({ name: 'a' }, 1_001).message).toContain('retry in 1.1 s');
    expect(circuitOpen({ name: 'a' }, 0.2).message).toContain('retry in 1 ms');
    expect(circuitOpen({ name: 'a' }, 899.5).message).toContain('retry in 900 ms');
    expect(circuitOpen({ name: 'a' }, 900.5).message).toContain('retry in 1.0 s');
    expect(circuitOpen({ name: 'a' }, 86_400_000).message).toContain('retry in 86400.0 s');
  });
});
