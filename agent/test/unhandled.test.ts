import { execFileSync } from 'node:child_process';
import { expect, it } from '@jest/globals';

it('a failure that nobody handles is reported by the process, as one of the function would be', () => {
  const script = `
    import { getBreaker } from '@fuseboard/agent';
    process.on('unhandledRejection', (error) => console.log(error.message));
    for (const timeout of [undefined, { duration: '1s' }]) {
      getBreaker(timeout ? 'timed' : 'plain', { defaults: { ...(timeout && { timeout }) } }).execute(() => Promise.reject(new Error('down')));
    }`;
  const options = ['--conditions=fuseboard-source', '--input-type=module', '--eval', script];
  const cwd = new URL('..', import.meta.url);
  expect(execFileSync(process.execPath, options, { cwd, encoding: 'utf8' })).toBe('down\ndown\n');
});
