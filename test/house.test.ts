import { describe, expect, it } from '@jest/globals';
import { read, repositoryFiles, sources } from './repository.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly repository?: { readonly type: string; readonly url: string; readonly directory: string };
  readonly homepage?: string;
  readonly bugs?: { readonly url: string };
  readonly keywords?: readonly string[];
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  readonly peerDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const manifests = [...sources('package.json')].map(([path, text]) => ({ path, ...(JSON.parse(text) as Manifest) }));
const root = manifests.find(({ path }) => path === 'package.json')!;

describe('the packages', () => {
  it('carry one version, each of them and where they name each other', () => {
    const versions = manifests.map(({ path, version }) => `${path} ${version}`);
    expect(versions).toEqual(manifests.map(({ path }) => `${path} ${root.version}`));
    for (const { dependencies, devDependencies, peerDependencies } of manifests) {
      for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies, ...peerDependencies })) {
        if (name.startsWith('@fuseboard/')) expect(`${name} ${range}`).toBe(`${name} ${root.version}`);
      }
    }
  });

  it.each([
    ['charts/fuseboard/Chart.yaml', /^version: (.*)$/m],
    ['charts/fuseboard/Chart.yaml', /^appVersion: (.*)$/m],
    ['agent-python/pyproject.toml', /^version = "(.*)"$/m],
    ['agent-python/src/fuseboard/version.py', /"(\d.*)"$/m],
    ['agent/src/version.ts', /'(\d.*)'/],
  ])('have the version that %s has (%s)', (path, pattern) => {
    expect(pattern.exec(read(path))?.[1]).toBe(root.version);
  });

  it('are all under the licence of the repository', () => {
    expect(manifests.filter(({ license }) => license !== 'Apache-2.0').map(({ path }) => path)).toEqual([]);
    expect(read('LICENSE')).toContain('Apache License');
    for (const { path, private: isPrivate } of manifests.filter((each) => !each.private)) {
      expect({ path, isPrivate, licence: read(path.replace('package.json', 'LICENSE')) }).toEqual({
        path,
        licence: read('LICENSE'),
      });
    }
  });

  it('say where they come from', () => {
    const published = manifests.filter((each) => !each.private);
    expect(published.length).toBeGreaterThanOrEqual(3);
    for (const { path, repository, homepage, bugs, keywords } of published) {
      const directory = path.replace('/package.json', '');
      expect({ path, homepage, bugs, keywords, repository }).toEqual({
        path,
        homepage: expect.stringMatching(/^https:/),
        bugs: { url: expect.stringMatching(/^https:/) },
        keywords: expect.arrayContaining(['circuit-breaker']),
        repository: expect.objectContaining({ type: 'git', directory }),
      });
    }
  });

  it('need nothing that is not published when they are', () => {
    const withheld = new Set(manifests.filter((each) => each.private).map(({ name }) => name));
    const published = manifests.filter((each) => !each.private);
    const missing = published.flatMap(({ name, dependencies, optionalDependencies, peerDependencies }) =>
      Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
        .filter((needed) => withheld.has(needed))
        .map((needed) => `${name} needs ${needed}`),
    );
    expect(missing).toEqual([]);
  });

  it('are published by the steps of a release, all of them', () => {
    const folders = manifests.filter((each) => !each.private).map(({ path }) => path.replace('/package.json', ''));
    const command = /`npm publish ([^`]*)`/.exec(read('docs/releasing.md'))![1]!;
    expect([...command.matchAll(/-w (\S+)/g)].map(([, folder]) => folder).sort()).toEqual(folders.sort());
  });

  it('leave the agent without a dependency that it could not do without', () => {
    const agent = manifests.find(({ name }) => name === '@fuseboard/agent')!;
    expect({ ...agent.dependencies, ...agent.optionalDependencies }).toEqual({});
    const peers = Object.keys(agent.peerDependencies ?? {});
    expect(peers.filter((name) => agent.peerDependenciesMeta?.[name]?.optional !== true)).toEqual([]);
  });

  it('are what the lock file holds', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Manifest> };
    for (const { path, version, dependencies, devDependencies } of manifests) {
      const locked = lock.packages[path.replace(/\/?package\.json$/, '')];
      expect({ path, version: locked?.version }).toEqual({ path, version });
      expect({ path, ...locked?.dependencies }).toEqual({ path, ...dependencies });
      expect({ path, ...locked?.devDependencies }).toEqual({ path, ...devDependencies });
    }
  });

  it('come from the public registry only, by name', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string; link?: boolean }>;
    };
    const strange = Object.entries(lock.packages).filter(
      ([, { resolved, link }]) => resolved && !link && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(strange.map(([name]) => name)).toEqual([]);
  });
});

describe('the files', () => {
  it('have names without capitals, blanks and vague words', () => {
    const code = repositoryFiles().filter((path) => path.endsWith('.ts'));
    const name = (path: string) => path.slice(path.lastIndexOf('/') + 1);
    expect(code.filter((path) => !/^[a-z0-9]+([.-][a-z0-9]+)*\.ts$/.test(name(path)))).toEqual([]);
    expect(code.filter((path) => /\b(utils?|helpers?|manager|misc|common)\b/.test(name(path)))).toEqual([]);
  });

  it('leave nothing behind that was to be done later, skipped or singled out', () => {
    const marks = [
      ['TO', 'DO'],
      ['FIX', 'ME'],
      ['@ts-', 'ignore'],
      ['@ts-no', 'check'],
    ].map((halves) => halves.join(''));
    const tests = [/\b(it|describe|test)\.(only|skip|todo)\b/, /\b(xit|xdescribe|fit|fdescribe)\(/];
    const found: string[] = [];
    for (const [path, text] of sources('.ts', '.js', '.yaml', '.md', '.sh')) {
      found.push(...marks.filter((mark) => text.includes(mark)).map((mark) => `${path}: ${mark}`));
      if (path.endsWith('.test.ts') && path !== 'test/house.test.ts')
        found.push(...tests.filter((test) => test.test(text)).map(() => `${path}: skips a test`));
    }
    expect(found).toEqual([]);
  });

  it('name no path of one machine', () => {
    const path = new RegExp(`(?<![\\w.~/-])/(${['home', 'Users', 'root', 'work'].join('|')})/`);
    const found = [...sources('.ts', '.js', '.md', '.yaml', '.json', '.sh', '.ci/run')].filter(([, text]) =>
      path.test(text),
    );
    expect(found.map(([file]) => file)).toEqual([]);
  });
});
