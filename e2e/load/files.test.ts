import { expect, it } from '@jest/globals';
import { filesFor } from './files.ts';

it('keeps a connection for reports where the limit allows it', () => {
  expect(filesFor({ agents: 1_000, processes: 2 }, 4_096)).toEqual({
    limit: 4_096,
    operator: 2_100,
    process: 1_600,
    keepReports: true,
  });
  expect(filesFor({ agents: 10_000, processes: 4 }, 20_000)).toMatchObject({ operator: 10_100, keepReports: false });
});

it('says which limit is needed when streams alone are too many', () => {
  expect(() => filesFor({ agents: 10_000, processes: 4 }, 1_024)).toThrow(
    'a limit of 10100 open files, and it is 1024',
  );
});
