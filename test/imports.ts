import { posix } from 'node:path';
import { parseSync } from '@swc/core';
import { pythonImports } from './imports-python.ts';
import { type Arrow, circles, wrongFloor } from './rooms.ts';

/** One import of a source file, whatever its form: static, re-export, dynamic, `require` or a type's `import()`. */
interface Import {
  readonly specifier: string;
  /** Whether it is gone when the types are stripped. */
  readonly typeOnly: boolean;
  /** What is taken by name; `*` for a whole module. */
  readonly names: readonly string[];
  /** Whether it is loaded where the code comes by, not when the file is. */
  readonly lazy?: true;
}

/** What a file leans on: its imports, and the globals that read a clock, wait, draw or do I/O. */
export interface Leanings {
  readonly imports: readonly Import[];
  readonly globals: readonly string[];
}

interface Node {
  readonly type?: string;
  readonly [field: string]: unknown;
}

const IMPURE = new Set([
  'Date',
  'performance',
  'process',
  'console',
  'fetch',
  'crypto',
  'globalThis',
  'global',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'WebSocket',
  'EventSource',
  'require',
]);

/** Parses a TypeScript source and lists what it leans on. */
export function leanings(source: string, tsx = false): Leanings {
  const imports: Import[] = [];
  const globals = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, key);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
    const node = value as Node;
    const found = importOf(node);
    if (found) imports.push(found);
    const named = key === 'property' || key === 'key';
    if (node.type === 'Identifier' && !named && IMPURE.has(node.value as string)) globals.add(node.value as string);
    if (isMathRandom(node)) globals.add('Math.random');
    for (const [field, child] of Object.entries(node)) if (!isInnocent(node, field)) visit(child, field);
  };
  const program = parseSync(source, { syntax: 'typescript', tsx, target: 'es2023' }) as unknown as Node;
  visit(program.body, 'body');
  return { imports, globals: [...globals] };
}

function importOf(node: Node): Import | undefined {
  const text = (value: unknown) => (value as { value?: string } | null | undefined)?.value;
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration': {
      const specifier = text(node.source);
      if (specifier === undefined) return undefined;
      const parts = (node.specifiers ?? []) as Node[];
      const stripped = parts.length > 0 && parts.every((part) => part.isTypeOnly === true);
      const names = parts.map((part) => text(part.imported) ?? text(part.orig) ?? named(part));
      return { specifier, typeOnly: node.typeOnly === true || stripped, names: parts.length > 0 ? names : ['*'] };
    }
    case 'TsImportType':
      return { specifier: text(node.argument) ?? '', typeOnly: true, names: ['*'] };
    case 'CallExpression': {
      const callee = node.callee as Node;
      const argument = (node.arguments as { expression: Node }[])[0]?.expression;
      const loads = callee.type === 'Import' || (callee.type === 'Identifier' && callee.value === 'require');
      if (!loads) return undefined;
      const specifier = argument?.type === 'StringLiteral' ? text(argument) : undefined;
      const found: Import = { specifier: specifier ?? '(computed)', typeOnly: false, names: ['*'] };
      return callee.type === 'Import' ? { ...found, lazy: true } : found;
    }
    default:
      return undefined;
  }
}

function named(specifier: Node): string {
  return specifier.type === 'ImportSpecifier' ? (specifier.local as unknown as { value: string }).value : '*';
}

function isMathRandom(node: Node): boolean {
  if (node.type !== 'MemberExpression') return false;
  const { object, property } = node as unknown as { object: Node; property: Node };
  return object.type === 'Identifier' && object.value === 'Math' && property.value === 'random';
}

/** Names that are no reading of a clock: a type's, and the class in `new Date(milliseconds)`, which only computes. */
function isInnocent(node: Node, field: string): boolean {
  if (node.type === 'TsTypeReference') return field === 'typeName';
  const { callee, arguments: given } = node as { callee?: Node; arguments?: unknown[] };
  return node.type === 'NewExpression' && field === 'callee' && callee?.value === 'Date' && (given ?? []).length > 0;
}

/** Functions of Node that only compute; a core may take these and nothing else of it. */
const PURE_BUILTINS: Record<string, readonly string[]> = {
  'node:crypto': ['createHash', 'hash'],
  'node:util': ['isDeepStrictEqual'],
};

const ZOD_FREE_NAMES = ['defaults', 'duration', 'precedence', 'rules', 'trip-conditions'];
const ZOD_FREE = ZOD_FREE_NAMES.map((name) => `@fuseboard/schema/${name}`);
const ZOD_FREE_FILE = new RegExp(`^crds/schema/src/(${ZOD_FREE_NAMES.join('|')})\\.ts$`);
const WORKSPACE = /^(crds\/schema|agent|operator|traffic|simulator|e2e|compat\/[^/]+|examples\/[^/]+)\//;
const COMPAT = /^compat\/[^/]+\/src\//;
const KUBE = /^operator\/src\/(kube\/|sources\/kubernetes\.|cli\/client\/)/;
const COMPOSITION = /^operator\/(generate\.ts|src\/((adapters|main)\.ts|serve\.ts|cli\/))/;
const ADAPTER = /^operator\/src\/(kube|http|web|sources|stores)\//;

/**
 * Compares every import with the directions of the repository. They point inward and one way: core leans on nothing,
 * agent and operator do not know each other, and only the program's entry makes adapters.
 *
 * @param files sources by their path from the root, with forward slashes.
 * @returns one sentence for each wrong arrow; empty when all is well.
 */
export function wrongArrows(files: ReadonlyMap<string, string>): string[] {
  const wrong: string[] = [];
  const arrows: Arrow[] = [];
  for (const [path, source] of files) {
    if (path.endsWith('.py')) {
      for (const { specifier, target, typeOnly, lazy } of pythonImports(path, source, (file) => files.has(file))) {
        const why = typeOnly ? undefined : wrongFloor(path, target);
        if (why) wrong.push(`${path}: imports ${specifier}: ${why}`);
        if (!typeOnly && !lazy) arrows.push({ from: path, to: target, typeOnly });
      }
      continue;
    }
    const { imports, globals } = leanings(source, path.endsWith('.tsx'));
    const say = (what: string, why: string) => wrong.push(`${path}: ${what}: ${why}`);
    for (const one of imports) {
      const why = complaint(path, one);
      if (why) say(`imports ${one.specifier}`, why);
      if (one.specifier.startsWith('.') && !isTest(path)) {
        arrows.push({ from: path, to: targetOf(path, one.specifier), typeOnly: one.typeOnly });
      }
    }
    if (isCore(path) && !isTest(path)) {
      for (const name of globals) say(`uses ${name}`, 'core is given its clock and its draws, and does no I/O');
    }
  }
  return [...wrong, ...circles(arrows)];
}

function targetOf(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

function complaint(path: string, { specifier, typeOnly, names, lazy }: Import): string | undefined {
  const relative = specifier.startsWith('.');
  const target = relative ? targetOf(path, specifier) : specifier;
  const is = (name: string) => specifier === name || specifier.startsWith(`${name}/`);
  const home = WORKSPACE.exec(path)?.[1];

  if (relative && home && home !== 'e2e' && !target.startsWith(`${home}/`)) {
    return 'leaves its workspace; import the package by its name';
  }
  if (home === 'crds/schema' && (is('@fuseboard/agent') || is('@fuseboard/operator'))) {
    return 'the schema knows neither agent nor operator';
  }
  if (home === 'agent' && is('@fuseboard/operator')) return 'the agent never imports the operator';
  if (home === 'operator' && is('@fuseboard/agent')) return 'the operator never imports the agent';
  if (home?.startsWith('compat/') && is('@fuseboard/operator'))
    return 'a compatible package never imports the operator';
  if (home === 'simulator' && is('@fuseboard/operator')) return 'the simulator never imports the operator';
  if (is('@fuseboard/simulator') && home !== 'simulator' && home !== 'e2e') {
    if (!path.startsWith('operator/src/cli/')) return 'only commands simulate';
    if (!lazy && !typeOnly)
      return 'a command loads the simulator with `await import` when it runs: the operator never loads the agent';
  }
  if (home === 'traffic' && specifier.startsWith('@fuseboard/')) {
    return 'the readers of recorded calls know nothing else of Fuseboard';
  }
  if (isTest(path)) return undefined;

  if (COMPAT.test(path) && !relative && !typeOnly && !specifier.startsWith('node:')) {
    if (specifier !== '@fuseboard/agent' && !ZOD_FREE.includes(specifier)) {
      return 'a compatible package takes the public entry of the agent and modules of the schema without zod';
    }
  }
  if (home === 'operator' && is('@kubernetes/client-node') && !KUBE.test(path)) {
    return 'only operator/src/kube and sources/kubernetes.ts speak to the Kubernetes API';
  }
  if (path.startsWith('agent/src/') && is('@fuseboard/schema') && !typeOnly) {
    if (!ZOD_FREE.includes(specifier)) return 'the agent takes only types and modules without zod from the schema';
  }
  if (path.startsWith('agent/src/') && !relative && !typeOnly && !is('@fuseboard/schema')) {
    if (!specifier.startsWith('node:')) return 'the agent needs no other package at run time';
  }
  if (ZOD_FREE_FILE.test(path) && !(relative && ZOD_FREE_FILE.test(target)) && !typeOnly) {
    return 'the agent takes this module in, so it leans on nothing outside of its kind';
  }
  if (isCore(path)) {
    const core = path.slice(0, path.indexOf('/core/') + '/core/'.length);
    if (relative) return target.startsWith(core) ? wrongFloor(path, target) : 'core imports nothing outward';
    if (is('@fuseboard/schema')) return undefined;
    const pure = PURE_BUILTINS[specifier];
    if (pure && names.every((name) => pure.includes(name))) return undefined;
    return 'core leans on nothing but itself and the schema';
  }
  if (path.startsWith('operator/web/src/') && target.startsWith('operator/src/') && !typeOnly) {
    if (!/^operator\/src\/(core|ports)\//.test(target)) {
      return 'the page takes code from core/ and ports/ of the operator alone, and types of the rest';
    }
  }
  if (relative) {
    const floor = wrongFloor(path, target);
    if (floor) return floor;
  }
  const constants = names.every((name) => /^[A-Z][A-Z0-9_]+$/.test(name));
  if (relative && ADAPTER.test(target) && !typeOnly && !constants && home === 'operator') {
    const kind = (file: string) => (KUBE.test(file) ? 'kube' : ADAPTER.exec(file)?.[1]);
    if (!COMPOSITION.test(path) && kind(path) !== kind(target)) {
      return 'only main.ts, adapters.ts, serve.ts and the commands make adapters; take their types, or be given one';
    }
  }
  return undefined;
}

function isCore(path: string): boolean {
  return /^(agent|operator)\/src\/core\//.test(path);
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('e2e/') || /^[^.]+\/test\//.test(path);
}
