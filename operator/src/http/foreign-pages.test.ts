import { describe, expect, it } from '@jest/globals';
import { Problem } from '../ports/problem.ts';
import { refuseForeignPages } from './foreign-pages.ts';

/** The error status for a request with these headers; undefined when it is accepted. */
function refusal(listening: string, headers: Record<string, string>): number | undefined {
  const request = { get: (name: string) => headers[name] };
  let passed = false;
  try {
    refuseForeignPages({ host: listening })(request as never, {} as never, () => {
      passed = true;
    });
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
  expect(passed).toBe(true);
  return undefined;
}

describe('a port for programs on loopback', () => {
  it.each(['localhost', 'localhost:8700', '127.0.0.1:8700', '[::1]:8701'])('answers to its own name %s', (host) => {
    expect(refusal('127.0.0.1', { host })).toBeUndefined();
  });

  it.each(['evil.example', 'evil.example:8700', '127.0.0.1.evil.example', 'localhost@evil.example', ''])(
    'refuses the name %s, which may point here for a page of elsewhere',
    (host) => {
      expect(refusal('127.0.0.1', { host })).toBe(403);
    },
  );
});

describe('a port for programs', () => {
  it.each([{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: 'http://localhost:8700' }])(
    'refuses a page of any origin: %j',
    (headers) => {
      expect(refusal('127.0.0.1', { host: 'localhost', ...headers })).toBe(403);
      expect(refusal('0.0.0.0', { host: 'fuseboard.fuseboard-system.svc:8443', ...headers })).toBe(403);
    },
  );

  it('refuses what a browser asks for a page of another site', () => {
    expect(refusal('0.0.0.0', { host: '10.0.0.1', 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(refusal('0.0.0.0', { host: '10.0.0.1', 'sec-fetch-site': 'none' })).toBeUndefined();
  });

  it('answers to any name of a service beyond loopback', () => {
    expect(refusal('0.0.0.0', { host: 'fuseboard.fuseboard-system.svc:8443' })).toBeUndefined();
  });
});
