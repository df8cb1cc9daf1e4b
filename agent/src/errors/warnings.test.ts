import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { printable, safeWarn, warnProcess } from './warnings.ts';

const SOURCES = join(import.meta.dirname, '..');

afterEach(() => {
  jest.restoreAllMocks();
});

describe('printable text', () => {
  it.each([
    ['a\u001b[2Jb', 'a\\u{1b}[2Jb'],
    ['a\r\nb', 'a\\u{d}\\u{a}b'],
    ['a\u009b\u202e\u2028\ud800b', 'a\\u{9b}\\u{202e}\\u{2028}\\u{d800}b'],
    ['näïve "text" \\ 日本 😀', 'näïve "text" \\ 日本 😀'],
  ])('of %j is %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('keeps the lines of a stack, and no others', () => {
    expect(printable('Error: a\nfake\n    at f (a.js:1:1)')).toBe('Error: a\\u{a}fake\n    at f (a.js:1:1)');
  });
});

describe('a function for warnings', () => {
  it('gets printable text, and its errors go nowhere', () => {
    const warn = jest.fn((_message: string) => {
      throw new Error('the logger is broken');
    });
    safeWarn(warn)('a\nb');
    expect(warn).toHaveBeenCalledWith('a\\u{a}b');
  });

  it('warns in the process if there is none', () => {
    const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    safeWarn()('a\nb');
    warnProcess('c\nd', 'FUSEBOARD_NESTED');
    expect(emit.mock.calls).toEqual([
      ['a\\u{a}b', { type: 'FuseboardWarning' }],
      ['c\\u{a}d', { code: 'FUSEBOARD_NESTED' }],
    ]);
  });
});

describe('the sources of the agent', () => {
  const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  /** A source without its comments. */
  const code = (path: string) =>
    readFileSync(join(SOURCES, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const withCode = (pattern: RegExp) => sources.filter((path) => pattern.test(code(path))).sort();

  it('write to the log of the process in one place', () => {
    expect(withCode(/emitWarning|\bconsole\b|\bstdout\b|\bstderr\b|\bdebuglog\b|\/dev\/tty/)).toEqual([
      'errors/warnings.ts',
    ]);
  });

  it('call the function or logger of a user only in places that make the text printable', () => {
    const takers = withCode(/\bwarn\?: |\blogger: |\blogger\./);
    expect(takers).toEqual([
      'link/settings/start-options.ts',
      'store/shared-state.ts',
      'telemetry/logger.ts',
      'telemetry/recording/record-options.ts',
      'telemetry/recording/recorder.ts',
    ]);
    expect(withCode(/\bsafeWarn\(/)).toEqual([
      'agent.ts',
      'errors/warnings.ts',
      'link/link.ts',
      'store/shared-state.ts',
      'telemetry/recording/recorder.ts',
    ]);
    expect(code('telemetry/logger.ts')).toContain('printable(');
  });
});
