import { describe, expect, it } from '@jest/globals';
import {
  ConfigError,
  callTimeout,
  circuitOpen,
  FuseboardError,
  isFuseboardError,
  limited,
  queueTimeout,
} from './errors.ts';

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

  it('names the key whose circuit it is, cut when it is long and with what it holds escaped', () => {
    const error = circuitOpen({ name: 'a', key: 'host-a' }, 1_000);
    expect(error).toMatchObject({ key: 'host-a', message: 'breaker "a" key "host-a" is open; retry in 1.0 s' });
    expect(callTimeout({ name: 'a', key: 'x\n"y' }, 20).message).toContain('breaker "a" key "x\\n\\"y" was given up');
    expect(limited({ name: 'a', key: 'é'.repeat(65) }, 1, 0).message).toContain(`key "${'é'.repeat(64)}…" has`);
    expect(queueTimeout({ name: 'a', key: 'k'.repeat(64) }, 20).message).toContain(`key "${'k'.repeat(64)}" waited`);
    expect('key' in circuitOpen({ name: 'a' }, 1)).toBe(false);
  });

  it('keeps its message until code changes it', () => {
    const error = circuitOpen({ name: 'a' }, 0);
    error.message = `shop: ${error.message}`;
    expect(error.message).toBe(
      'shop: breaker "a" is half-open and its probes are under way; retry when they have ended',
    );
    expect(error.stack).toBe(`CircuitOpenError: ${error.message}`);
    expect(circuitOpen({ name: 'b' }, 1).message).toContain('"b"');
  });

  it('has the message of its own breaker, key and time, whatever was rejected before', () => {
    const rejections = [
      [{ name: 'carts' }, 1_000, 'breaker "carts" is open; retry in 1.0 s'],
      [{ name: 'posts' }, 1_000, 'breaker "posts" is open; retry in 1.0 s'],
      [{ name: 'carts' }, 2_000, 'breaker "carts" is open; retry in 2.0 s'],
      [{ name: 'carts', key: 'hosts' }, 2_000, 'breaker "carts" key "hosts" is open; retry in 2.0 s'],
      [{ name: 'posts', key: 'hosts' }, 2_000, 'breaker "posts" key "hosts" is open; retry in 2.0 s'],
      [{ name: 'carts' }, 0, 'breaker "carts" is half-open and its probes are under way; retry when they have ended'],
      [{ name: 'a', key: '' }, 1_000, 'breaker "a" key "" is open; retry in 1.0 s'],
    ] as const;
    for (const [identity, ms, message] of [...rejections, ...rejections]) {
      expect(circuitOpen(identity, ms).message).toBe(message);
      expect(circuitOpen(identity, ms).message).toBe(message);
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
