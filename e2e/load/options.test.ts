import { expect, it } from '@jest/globals';
import { readOptions } from './options.ts';

it('fills in what is left out', () => {
  expect(readOptions([])).toMatchObject({
    agents: 1_000,
    policies: 100,
    matched: 10,
    processes: 2,
    sweep: [],
    storm: true,
    tls: true,
    reviews: false,
    where: { kind: 'folder' },
  });
  expect(readOptions(['--agents', '10000', '--policies', '4'])).toMatchObject({ processes: 4, matched: 4 });
});

it('reads lists and repeated arguments', () => {
  expect(readOptions(['--sweep', '10,1000', '--operator=--log-level=warn', '--no-storm'])).toMatchObject({
    sweep: [10, 1_000],
    operator: ['--log-level=warn'],
    storm: false,
  });
});

it.each([
  ['--agents: must be a whole number from 1 to 50000, not "x"', ['--agents', 'x']],
  ['--matched: must be a whole number from 1 to 5', ['--policies', '5', '--matched', '6']],
  ['--sweep: must be', ['--sweep', '10,0']],
  ['--cluster and --target', ['--cluster', '--target', 'http://127.0.0.1:1']],
  ['--target: must be a URL', ['--target', 'nowhere', '--folder', 'x']],
  ['one of --kubeconfig and --folder', ['--target', 'http://127.0.0.1:1']],
  ['--agent', ['--agent', '5']],
])('says %s', (message, args) => {
  expect(() => readOptions(args)).toThrow(message);
});
