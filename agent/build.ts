import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { type OutputChunk, type RolldownOutput, rolldown } from 'rolldown';
import manifest from './package.json' with { type: 'json' };

/**
 * Builds the package: once as ES modules and once as CommonJS, both readable, with all that they need from the
 * workspace inside. One file for each entry and one for each room that entries share. The same file of both formats is
 * alike but for its imports and exports and under 32 kB, so that the tarball, which sorts files by their names,
 * compresses the second one away. Both formats share their breakers through `globalThis`, as any two copies do.
 */
const here = import.meta.dirname;
const dist = join(here, 'dist');
type Format = 'esm' | 'cjs';
/** What the package exports: the name of each entry in `dist`, and its source below `src` without the ending. */
const entries = new Map(
  Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string'
      ? []
      : [
          [
            basename(target.import, '.js'),
            relative('src', target['fuseboard-source']).slice(0, -'.ts'.length),
          ] as const,
        ],
  ),
);

/**
 * The files of rooms, each with the sources below `src` that it holds; the first that matches counts. `within-guard` is
 * in the core, because the file of the policies would be too large with it. `null`: the file of the source that is
 * loaded when it is first needed, which exports its names as they are.
 */
const ROOMS: readonly (readonly [name: string | null, sources: RegExp])[] = [
  ['base', /^(?:\.\.(?!.*precedence)|errors\/|core\/(?:outcomes|observers|windows)\/)/],
  ['calls', /^(?:breakers\/known-fields\.|clock\/|call\/\w+\/|core\/(?:layers\/|classify\.|retry-after\.))/],
  ['policies', /^(?:core\/config\/(?!within-guard)|link\/(?:link\.|timers\.|\w+\/)|.*precedence)/],
  ['core', /^(?:core\/|version\.)/],
  ['call', /^call\//],
  [null, /^breakers\/unprotected\./],
  ['breakers', /^(?:breakers\/|agent\.)/],
  ['stream', /^link\/(?:backoff|connection|event-stream|last-good-file|messages|policy-store|stream)\./],
  [null, /^link\//],
  ['recording', /^telemetry\/recording\//],
  ['integrations', /^(?:telemetry|adapters)\//],
  ['store', /^store\//],
  ['testing', /^testing\//],
];

rmSync(dist, { recursive: true, force: true });
await bundle();
declare();

async function bundle(): Promise<void> {
  const bundle = await rolldown({
    input: Object.fromEntries([...entries].map(([name, source]) => [name, join(here, 'src', `${source}.ts`)])),
    platform: 'node',
    external: [/^node:/],
    // The maps say where each part is from.
    experimental: { attachDebugInfo: 'none' },
    resolve: { conditionNames: ['fuseboard-source', 'node'] },
    preserveEntrySignatures: 'allow-extension',
  });
  const output = await bundle.write({
    dir: join(dist, 'esm'),
    format: 'esm',
    chunkFileNames: 'rooms/[name].js',
    comments: { legal: false, annotation: true, jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
    minify: false,
    // A name that is the same on both sides compresses better than a letter for it.
    minifyInternalExports: false,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ debugName: 'rooms', name: roomOf }],
    },
  });
  coarsenMaps(output);
  writeCommonJs(output);
  await bundle.close();
  writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
}

/**
 * The file that a source which is no entry goes to. Rooms share one up to 32 kB, because each file costs the tarball as
 * much as a page of code; no two files may lead to each other.
 */
function roomOf(id: string): string | null {
  const source = relative(join(here, 'src'), id);
  if ([...entries.values()].includes(source.slice(0, -'.ts'.length))) return null;
  return ROOMS.find(([, pattern]) => pattern.test(source))![0];
}

/** Keeps of each map the line that every line is from: enough for a stack trace, at a fifth of the size. */
function coarsenMaps(output: RolldownOutput): void {
  // An entry that only exports what rooms hold has no map.
  for (const chunk of chunksOf(output).filter(({ map }) => map !== null)) {
    const path = join(dist, 'esm', `${chunk.fileName}.map`);
    const { version, sources, mappings } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    const code = chunk.code.split('\n');
    const lines = decode(mappings!).map((segments, i): [number, number, number, number][] => {
      const [, source, line] = segments[0] ?? [];
      return source === undefined || line === undefined || !canBeFrame(code[i]!) ? [] : [[0, source, line, 0]];
    });
    const coarse = { version, sources, names: [], mappings: encode(lines) };
    writeFileSync(path, JSON.stringify(coarse));
  }
}

/** Whether a frame of a stack trace may lie in a line: something is called or thrown, in no head of a function. */
function canBeFrame(line: string): boolean {
  return !/^\s*[\w ]*#?[\w$]+\([^()]*\) \{$/.test(line) && /[\w$\])`]\(|\b(?:throw|await|yield|new)\b/.test(line);
}

/**
 * Writes each file as CommonJS: only its imports and exports differ, so that the tarball compresses the second format
 * away, and each line stays where it is, so that both have one map. That is right because no file is in a circle, and
 * nothing that a file exports is assigned later.
 */
function writeCommonJs(output: RolldownOutput): void {
  for (const { fileName } of chunksOf(output)) {
    const [from, to] = [join(dist, 'esm', fileName), join(dist, 'cjs', fileName)];
    const code = readFileSync(from, 'utf8')
      .replaceAll(/^import (\w+) from ("[^"]+");$/gm, 'const $1 = require($2);')
      .replaceAll(
        /^import (\{[^}]+\}) from ("[^"]+");$/gm,
        (_whole, names: string, path: string) => `const ${names.replaceAll(' as ', ': ')} = require(${path});`,
      )
      .replaceAll(/^export (\{[\w$, ]+\});$/gm, (whole, names: string) =>
        names.includes(' as ') ? whole : `module.exports = ${names};`,
      )
      .replaceAll(/^export \{([^}]+)\};$/gm, (_whole, names: string) => {
        const pairs = names.split(',').map((pair) => pair.trim().split(' as '));
        return pairs.map(([local, name = local]) => `exports.${name} = ${local};`).join(' ');
      })
      // A test environment of CommonJS may have no import().
      .replaceAll(/\bimport\(("[^"]+")\)/g, 'Promise.resolve().then(() => require($1))');
    if (/^(?:import|export)\b|\bimport\b *[(.]/m.test(code))
      throw new Error(`${fileName} has an import that is not known`);
    mkdirSync(dirname(to), { recursive: true });
    const map = `${relative(dirname(to), from)}.map`;
    writeFileSync(to, `"use strict"; ${code.replace(/(?<=^\/\/# sourceMappingURL=).+$/m, map)}`);
  }
}

function chunksOf({ output }: RolldownOutput): OutputChunk[] {
  return output.filter((each): each is OutputChunk => each.type === 'chunk');
}

/**
 * Emits the declarations that the entries lead to; the types of the schema become a file beside them. Those of the
 * entries that have a peer are there for both formats, so that each finds the declarations of the peer that are meant
 * for it; all others are there once.
 */
function declare(): void {
  const emitted = join(dist, 'types');
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc');
  // A configuration of its own, because the compiler takes files or a configuration, and the files are the entries.
  const configuration = join(dist, 'tsconfig.json');
  const files = [...entries.values()].map((source) => join(here, 'src', `${source}.ts`));
  writeFileSync(configuration, JSON.stringify({ extends: join(here, 'tsconfig.build.json'), files }));
  execFileSync(process.execPath, [compiler, '-p', configuration], { stdio: 'inherit' });
  rmSync(configuration);
  const needed = new Set<string>();
  const borrowed = new Set<string>();
  const read = (source: string) => {
    const text = readFileSync(join(emitted, `${source}.d.ts`), 'utf8');
    for (const [, names] of text.matchAll(/import type \{([^}]+)\} from '@fuseboard\/schema\/types'/g)) {
      for (const type of names!.split(',')) borrowed.add(type.trim());
    }
    return text;
  };
  for (const [name, source] of entries) {
    const text = read(source);
    const hasPeer = /from ['"](?!\.|node:|@fuseboard\/)/.test(text);
    write('cjs', name, rewired(text, source, name, 'cjs', needed));
    write('esm', name, hasPeer ? rewired(text, source, name, 'esm', needed) : `export * from '../cjs/${name}.js';\n`);
  }
  for (const source of needed) write('cjs', source, rewired(read(source), source, source, 'cjs', needed));
  write('cjs', 'schema', schemaTypes(borrowed));
  rmSync(emitted, { recursive: true });
}

/** Writes declarations with each paragraph of a comment on one line: editors wrap it again. */
function write(format: Format, name: string, text: string): void {
  const target = join(dist, format, `${name}.d.ts`);
  const compact = text.replaceAll(/\/\*\*.*?\*\//gs, (comment) => comment.replaceAll(/\n\s*\* (?=[^@\s-])/g, ' '));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, compact);
}

/** The types of the schema that the declarations name; each of them stands by itself. */
function schemaTypes(names: ReadonlySet<string>): string {
  const source = readFileSync(join(here, '../crds/schema/src/types.ts'), 'utf8');
  const found = source
    .split('\n\n')
    .filter((text) => names.has(/^export (?:interface|type) (\w+)/m.exec(text)?.[1] ?? ''));
  if (found.length !== names.size) throw new Error(`the schema lacks one of ${[...names].join(', ')}`);
  return found.join('\n\n');
}

/**
 * Lets the declarations of a source, written to `name`, import what lies in the package, and notes what that is.
 * Another entry is imported by the name it has in `dist`.
 */
function rewired(text: string, source: string, name: string, format: Format, needed: Set<string>): string {
  const entryOf = new Map([...entries].map(([entry, its]) => [its, entry]));
  return text.replaceAll(
    /(from |import\()(['"])([^'"]+)\2/g,
    (whole, keyword: string, quote: string, specifier: string) => {
      const local = /^\.{1,2}\/.+\.ts$/.test(specifier)
        ? join(dirname(source), specifier).slice(0, -'.ts'.length)
        : undefined;
      const entry = local === undefined ? undefined : entryOf.get(local);
      if (local === undefined && specifier !== '@fuseboard/schema/types') return whole;
      if (local !== undefined && entry === undefined) needed.add(local);
      const path = relative(join(format, dirname(name)), join('cjs', `${entry ?? local ?? 'schema'}.js`));
      return `${keyword}${quote}${path.startsWith('.') ? '' : './'}${path}${quote}`;
    },
  );
}
