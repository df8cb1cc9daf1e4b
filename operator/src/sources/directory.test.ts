import { link, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { until } from '../../test/until.ts';
import type { Source } from '../ports/source.ts';
import { type DirectoryOptions, directorySource } from './directory.ts';
import { policyFilesOf } from './policy-files.ts';

let root: string;
let folder: string;
let source: Source;
let states: string[][];
let lines: { file?: string; line?: number; msg: string }[];

const text = (name: string, spec = '{ breakers: [payments] }', namespace = 'shop') =>
  `apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;

const put = (file: string, content: string) => writeFile(join(folder, file), content);
const keys = () => [...source.state().policies.keys()].sort();
const problems = () => source.state().problems.map(({ where, line, message }) => `${where}:${line ?? ''} ${message}`);

function begin(over: Partial<DirectoryOptions> = {}): void {
  states = [];
  lines = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const stateFolder = join(root, 'state');
  source = directorySource({ folder, stateFolder, log, settleMs: 10, settleLossMs: 60, rereadMs: 50, ...over });
  source.start(() => states.push(keys()));
}

async function restart(): Promise<void> {
  await source.stop();
  begin();
  await until(() => source.state().synced);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  folder = join(root, 'policies');
  await mkdir(folder);
});

afterEach(async () => {
  await source.stop();
  await rm(root, { recursive: true, force: true });
});

it('reads YAML with several documents and JSON, and leaves other files alone', async () => {
  await put('a.yaml', `${text('one')}---\n${text('two', '{ breakers: [x] }', 'bank')}---\n# nothing\n`);
  await put('b.json', JSON.stringify({ ...EMPTY, metadata: { name: 'three' }, spec: { breakers: ['y'] } }));
  await put('readme.md', 'no policy');
  await put('.hidden.yaml', 'no policy: [');
  begin();
  await until(() => source.state().synced);
  expect(keys()).toEqual(['bank/two', 'default/three', 'shop/one']);
  expect(source.state()).toMatchObject({ synced: true, problems: [] });
  expect(source.state().resourceVersion).toBeUndefined();
  expect(source.state().policies.get('shop/one')).toMatchObject({ generation: 0, createdAt: 0, problems: [] });
});

const EMPTY = { apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy' };

it('gives a policy the same uid in every process', async () => {
  await put('a.yaml', text('one'));
  begin();
  await until(() => source.state().synced);
  const { uid } = source.state().policies.get('shop/one')!;
  await restart();
  expect(source.state().policies.get('shop/one')!.uid).toBe(uid);
});

describe('a change', () => {
  beforeEach(async () => {
    await put('a.yaml', text('one'));
    begin({ rereadMs: 60_000 });
    await until(() => source.state().synced);
  });

  it('of a file is noticed by itself', async () => {
    await put('a.yaml', text('one', '{ breakers: [search] }'));
    await until(() => source.state().policies.get('shop/one')!.spec.breakers[0] === 'search');
  });

  it('of a file that has long been still is noticed too, though it is as long as before', async () => {
    await source.stop();
    // The watcher reports no event for a change within 50 ms of another one, so the second read must be later.
    begin({ rereadMs: 60_000, settleMs: 60, wallClock: () => Date.now() + 60_000 });
    for (const name of ['searches', 'partners', 'payments']) {
      await put('a.yaml', text('one', `{ breakers: [${name}] }`));
      await until(() => source.state().policies.get('shop/one')?.spec.breakers[0] === name);
    }
  });

  it('by a file that is removed takes its policies away', async () => {
    await rm(join(folder, 'a.yaml'));
    await until(() => keys().length === 0);
    expect(source.state().unreadable).toBeUndefined();
  });

  it('by an editor that replaces the file by another never takes the policy away', async () => {
    await put('a.yaml~', text('one', '{ breakers: [search] }'));
    await rm(join(folder, 'a.yaml'));
    await rename(join(folder, 'a.yaml~'), join(folder, 'a.yaml'));
    await until(() => source.state().policies.get('shop/one')?.spec.breakers[0] === 'search');
    expect(states).not.toContainEqual([]);
  });

  it('by a file that is emptied and written much later takes nothing away while that is in doubt', async () => {
    await source.stop();
    begin({ settleLossMs: 60_000 });
    await until(() => source.state().synced);
    await put('a.yaml', '');
    await put('b.yaml', text('two'));
    await until(() => keys().includes('shop/two'));
    await put('a.yaml', text('one', '{ breakers: [search] }'));
    await until(() => source.state().policies.get('shop/one')?.spec.breakers[0] === 'search');
    expect(states).not.toContainEqual(['shop/two']);
  });
});

it('follows the link that a mounted ConfigMap swaps', async () => {
  const version = async (name: string, content: string) => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'a.yaml'), content);
    await symlink(name, join(folder, '..tmp'));
    await rename(join(folder, '..tmp'), join(folder, '..data'));
  };
  await version('..1', text('one'));
  await symlink('..data/a.yaml', join(folder, 'a.yaml'));
  begin();
  await until(() => source.state().synced);
  expect(keys()).toEqual(['shop/one']);
  await version('..2', text('one', '{ breakers: [search] }'));
  await until(() => source.state().policies.get('shop/one')!.spec.breakers[0] === 'search');
});

describe('a folder below', () => {
  const sub = () => join(folder, 'teams/shop');
  const deep = (spec?: string) => writeFile(join(sub(), 'a.yaml'), text('one', spec));

  beforeEach(async () => {
    await mkdir(sub(), { recursive: true });
    await deep();
  });

  it('is read, and watched, at any depth', async () => {
    begin({ rereadMs: 60_000 });
    await until(() => source.state().synced);
    expect(keys()).toEqual(['shop/one']);
    await deep('{ breakers: [search] }');
    await until(() => source.state().policies.get('shop/one')!.spec.breakers[0] === 'search');
    await mkdir(join(sub(), 'new'));
    await until(() => source.refresh().then(() => true));
    await writeFile(join(sub(), 'new/b.yaml'), text('two'));
    await until(() => keys().includes('shop/two'));
  });

  it('is named with its file', async () => {
    await writeFile(join(sub(), 'b.yaml'), text('one'));
    begin();
    await until(() => source.state().synced);
    expect(problems()).toEqual([
      'teams/shop/b.yaml:3 policy shop/one is already in teams/shop/a.yaml; remove one of the two',
    ]);
  });

  it('takes its policies away when it is removed', async () => {
    begin();
    await until(() => source.state().synced);
    await rm(join(folder, 'teams'), { recursive: true });
    await until(() => keys().length === 0);
    expect(problems()).toEqual([]);
  });

  it('is skipped where its name begins with a dot, or where it is the state folder', async () => {
    await rename(join(folder, 'teams'), join(folder, '.teams'));
    await put('b.yaml', text('two'));
    begin({ stateFolder: join(folder, 'state') });
    await until(async () => (await readdir(join(folder, 'state')).catch(() => [])).length === 1);
    await source.refresh();
    expect([keys(), problems()]).toEqual([['shop/two'], []]);
  });

  it('is a problem when it cannot be read, and its policies stay, also over a restart', async () => {
    await put('b.yaml', text('two'));
    let denied = false;
    const findFiles: typeof policyFilesOf = async (...where) => {
      const found = await policyFilesOf(...where);
      if (!denied) return found;
      return { ...found, files: ['b.yaml'], unreadable: new Map([['teams/shop', new Error('EACCES: it is denied')]]) };
    };
    begin({ findFiles });
    await until(() => source.state().synced);
    denied = true;
    await until(() => problems().length > 0);
    expect(problems()).toEqual(['teams/shop: cannot be read: EACCES: it is denied; its policies stay as they were']);
    await source.stop();
    begin({ findFiles });
    await until(() => source.state().synced);
    expect(keys()).toEqual(['shop/one', 'shop/two']);
    denied = false;
    await until(() => problems().length === 0);
    expect(states).not.toContainEqual(['shop/two']);
  });

  it('that is a link within is followed, as in a ConfigMap with paths; each folder is read once', async () => {
    await mkdir(join(folder, '..1/bank'), { recursive: true });
    await writeFile(join(folder, '..1/bank/a.yaml'), text('two', undefined, 'bank'));
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/bank', join(folder, 'bank'));
    await symlink('..', join(folder, 'teams/circle'));
    await symlink('teams/shop', join(folder, 'again'));
    begin();
    await until(() => source.state().synced);
    expect([keys(), problems()]).toEqual([['bank/two', 'shop/one'], []]);
  });

  it('that is a link to a folder outside is a problem', async () => {
    await mkdir(join(root, 'policies-of-others'));
    await writeFile(join(root, 'policies-of-others/a.yaml'), text('two'));
    await symlink('../policies-of-others', join(folder, 'others'));
    begin();
    await until(() => source.state().synced);
    expect(keys()).toEqual(['shop/one']);
    expect(problems()[0]).toMatch(/^others: cannot be read: it is a link to a folder outside of /);
  });
});

it('reads every file at its time, though there are events all the time', async () => {
  const [inside, outside] = [join(folder, '.inside'), join(root, 'outside')];
  await writeFile(inside, text('one'));
  await link(inside, outside);
  const pointTo = async (target: string) => {
    await symlink(target, join(folder, '.next'));
    await rename(join(folder, '.next'), join(folder, 'a.yaml'));
  };
  await pointTo('.inside');
  begin({ rereadMs: 400, wallClock: () => Date.now() + 60_000 });
  await until(() => source.state().synced);
  let edits = 0;
  const editing = setInterval(() => void put('b.yaml', text('two', `{ breakers: [b${edits++}] }`)), 60);
  try {
    // The same inode at the end of the link: only reading it again shows that it is outside now.
    await pointTo('../outside');
    await until(() => problems().some((problem) => problem.includes('outside of')));
  } finally {
    clearInterval(editing);
  }
});

it('continues after a read that failed in the middle', async () => {
  let failing = false;
  const write = () => {
    if (!failing) return;
    failing = false;
    throw new Error('the log is full');
  };
  await put('a.yaml', text('one'));
  begin({ log: pino({ base: null }, { write }) });
  await until(() => source.state().synced);
  failing = true;
  await rm(join(folder, 'a.yaml'));
  await until(() => source.state().unreadable?.includes('the log is full'));
  await until(() => source.state().unreadable === undefined && keys().length === 0);
});

it('never takes a vanished folder for an empty one, and continues when it is back', async () => {
  await put('a.yaml', text('one'));
  begin();
  await until(() => source.state().synced);
  await rename(folder, `${folder}.away`);
  await until(() => source.state().unreadable !== undefined);
  expect(source.state().unreadable).toContain(folder);
  expect(keys()).toEqual(['shop/one']);
  await expect(source.refresh()).rejects.toThrow(folder);
  await mkdir(folder);
  await put('a.yaml', text('one', '{ breakers: [search] }'));
  await until(() => source.state().policies.get('shop/one')!.spec.breakers[0] === 'search');
  expect(source.state().unreadable).toBeUndefined();
  expect(states).not.toContainEqual([]);
});

it('is not synced while the folder was never there', async () => {
  await rm(folder, { recursive: true });
  begin();
  await until(() => source.state().unreadable !== undefined);
  expect(source.state().synced).toBe(false);
});

describe('a file with a mistake', () => {
  const broken = `${text('one').replace('spec: {', 'spec: [')}`;

  it('is named with its line; its policies stay, and other files continue', async () => {
    await put('a.yaml', text('one'));
    begin();
    await until(() => source.state().synced);
    await put('a.yaml', broken);
    await put('b.yaml', text('two'));
    await until(() => problems().length > 0 && keys().includes('shop/two'));
    expect(source.state().problems[0]).toMatchObject({ where: 'a.yaml', line: 4 });
    expect(keys()).toEqual(['shop/one', 'shop/two']);
    expect(lines.find(({ line }) => line === 4)).toMatchObject({ file: 'a.yaml' });
    await put('a.yaml', text('one'));
    await until(() => problems().length === 0);
  });

  it('keeps its policies over a restart', async () => {
    await put('a.yaml', text('one'));
    begin();
    await until(() => source.state().synced);
    await put('a.yaml', broken);
    await until(() => problems().length > 0);
    await restart();
    expect(keys()).toEqual(['shop/one']);
    expect(problems()).toHaveLength(1);
  });

  it('takes nothing away by a document that lost its kind', async () => {
    await put('a.yaml', `${text('one')}---\n${text('two')}`);
    begin();
    await until(() => source.state().synced);
    await put(
      'a.yaml',
      `${text('one', '{ breakers: [search] }')}---\n${text('two').replace('CircuitBreakerPolicy', 'Policy')}`,
    );
    await until(() => problems().length > 0);
    expect(problems()).toEqual(['a.yaml:7 kind: must be CircuitBreakerPolicy or CircuitBreakerOverride, not "Policy"']);
    expect(keys()).toEqual(['shop/one', 'shop/two']);
    expect(source.state().policies.get('shop/one')!.spec.breakers).toEqual(['search']);
  });

  it('is a policy with problems when only the spec is wrong', async () => {
    await put('a.yaml', text('one', '{ breakers: [payments], trip: { minimumCalls: 0 } }'));
    begin();
    await until(() => source.state().synced);
    expect(source.state().policies.get('shop/one')!.problems[0]).toMatchObject({ field: 'spec.trip.minimumCalls' });
  });

  it('is a problem and not a removal when it cannot be read', async () => {
    await put('a.yaml', text('one'));
    begin();
    await until(() => source.state().synced);
    await rm(join(folder, 'a.yaml'));
    await mkdir(join(folder, 'a.yaml'));
    await until(() => problems().length > 0);
    expect(problems()[0]).toMatch(/^a\.yaml: cannot be read: .*its policies stay as they were$/);
    expect(keys()).toEqual(['shop/one']);
  });
});

it('lets the first of two files with the same policy win, and names the other', async () => {
  await put('b.yaml', text('one', '{ breakers: [second] }'));
  await put('a.yaml', text('one', '{ breakers: [first] }'));
  begin();
  await until(() => source.state().synced);
  expect(source.state().policies.get('shop/one')!.spec.breakers).toEqual(['first']);
  expect(problems()).toEqual(['b.yaml:3 policy shop/one is already in a.yaml; remove one of the two']);
  await source.refresh();
  await source.refresh();
  expect(lines.map(({ msg }) => msg)).toEqual([
    'policy file: policy shop/one is already in a.yaml; remove one of the two',
  ]);
});

it('forgets the saved text of a file that is gone', async () => {
  await put('a.yaml', text('one'));
  begin();
  await until(async () => (await readdir(join(root, 'state')).catch(() => [])).length === 1);
  await rm(join(folder, 'a.yaml'));
  await until(async () => (await readdir(join(root, 'state'))).length === 0);
});
