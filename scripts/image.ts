/**
 * Writes what the container image holds into a folder: the operator, built, and the packages that it needs at run
 * time, without types, source maps and documentation, and a list of all of it (CycloneDX).
 *
 *     node scripts/image.ts FOLDER
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = realpathSync(fileURLToPath(new URL('..', import.meta.url)));
const OPERATOR = '@fuseboard/operator';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package and where it lies below `node_modules`, which decides who finds it. */
interface Installed {
  readonly place: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The package that `from` gets for a name, as Node resolves it. */
function find(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) throw new Error(`${name}, which ${from} needs, is not installed; run npm ci`);
  }
}

/** Everything that a package needs at run time. What is optional (parts for other runtimes) and mere types stay out. */
function closure(name: string): Installed[] {
  const found = new Map<string, Installed>();
  const visit = (wanted: string, from: string) => {
    const place = find(wanted, from);
    if (wanted.startsWith('@types/') || found.has(place)) return;
    const folder = realpathSync(place);
    const manifest = manifestOf(folder);
    found.set(place, { place: relative(ROOT, place), folder, manifest });
    for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency, folder);
  };
  visit(name, ROOT);
  return [...found.values()];
}

/** Whether a file of a package is of use at run time. */
function needed(path: string): boolean {
  if (/^(test|tests|docs?|examples?|benchmarks?|\.github)(\/|$)/.test(path)) return false;
  const name = basename(path);
  if (/^(licen[cs]e|notice|copying)/i.test(name)) return true;
  // Binaries in .bare are for another runtime than Node.
  return !/\.(ts|cts|mts|tsx|map|md|markdown|tsbuildinfo|bare)$/i.test(name);
}

function copy({ place, folder, manifest }: Installed, to: string): void {
  const own = manifest.name.startsWith('@fuseboard/');
  cpSync(folder, join(to, place), {
    recursive: true,
    filter(source) {
      const path = relative(folder, source);
      if (path === '') return true;
      if (path === 'node_modules' || path.startsWith('node_modules/')) return false;
      if (own && !/^(dist(\/|$)|package\.json$)/.test(path)) return false;
      return statSync(source).isDirectory() || needed(path);
    },
  });
  cpSync(join(ROOT, 'LICENSE'), join(to, 'LICENSE'));
}

const size = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

const given = process.argv[2];
if (given === undefined) throw new Error('name the folder to write: node scripts/image.ts FOLDER');
const to = resolve(given);
if (existsSync(to) && readdirSync(to).length > 0) throw new Error(`${to} is not empty; name a new folder`);

const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
for (const [project, build] of [
  ['crds/schema', [tsc, '-p', 'crds/schema/tsconfig.build.json']],
  ['operator', ['operator/build.ts']],
] as const) {
  rmSync(join(ROOT, project, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, build, { cwd: ROOT, stdio: 'inherit' });
}
execFileSync(process.execPath, ['operator/web/build.ts'], { cwd: ROOT, stdio: 'inherit' });
mkdirSync(to, { recursive: true });
const packages = closure(OPERATOR);
for (const one of packages) copy(one, to);

const components = packages
  .map(({ manifest: { name, version, license } }) => ({
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(license && { licenses: [{ license: { id: license } }] }),
  }))
  .sort((a, b) => (a.purl < b.purl ? -1 : 1));
const { version } = manifestOf(join(ROOT, 'operator'));
const bill = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: { component: { type: 'application', name: OPERATOR, version } },
  components,
};
writeFileSync(join(to, 'sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
console.log(`${packages.length} packages, ${(size(to) / 1e6).toFixed(1)} MB in ${to}`);
