import {
  GROUP,
  KIND,
  OVERRIDE_KIND,
  overrideProblems,
  type PolicySpec,
  type SpecProblem,
  specProblems,
  VERSION,
} from '@fuseboard/schema';
import leven from 'leven';
import { type Document, isMap, isNode, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { type PolicyLink, policyLinks } from '../core/policy/links.ts';
import { DEFAULT_NAMESPACE, NAMESPACE_PATTERN } from '../core/policy/namespace.ts';
import { unfoldsWithin, yamlBoundProblem } from './yaml-bounds.ts';

/** A problem in a file. Line numbers start at 1. */
interface LineProblem {
  readonly line: number;
  /** Dotted path of the field from the root of the document; empty for a problem of the document or its syntax. */
  readonly field: string;
  readonly message: string;
}

interface FileObject {
  readonly namespace: string;
  readonly name: string;
  readonly line: number;
  readonly problems: readonly (SpecProblem & { readonly line: number })[];
  /** The line of a field such as `spec.trip.minimumCalls`, or of its nearest existing parent. */
  lineOf(field: string): number;
}

/** A policy as written in a file. */
export interface FilePolicy extends FileObject {
  readonly spec: PolicySpec;
  readonly links: readonly PolicyLink[];
}

/** An override as written in a file. */
export interface FileOverride extends FileObject {
  readonly override: unknown;
}

export interface ParsedFile {
  readonly policies: readonly FilePolicy[];
  readonly overrides: readonly FileOverride[];
  /** Errors of the file and its documents. A file that is not valid YAML has no policies. */
  readonly problems: readonly LineProblem[];
  /** Number of skipped objects of other kinds, such as Deployments in a rendered chart. */
  readonly others: number;
}

/** Size limit of a file; a larger one is not read. */
export const MAX_POLICY_FILE_BYTES = 8 * 1024 * 1024;

/** Limit of reported errors of a file. Further errors are reported after these are fixed. */
const MAX_SYNTAX_PROBLEMS = 20;

/** Size limit of a document with aliases resolved: the characters of its strings, plus 16 for each value. */
const MAX_UNFOLDED = 1024 * 1024;

const API_VERSION = `${GROUP}/${VERSION}`;

/**
 * Parses a file of policies and overrides: YAML with one or several documents, or JSON. A list, as printed by `kubectl
 * get -o yaml`, is parsed as its objects. Objects of other kinds are only counted, unless the kind looks like a
 * misspelled one of ours.
 *
 * @param namespace the namespace of objects that do not name one.
 */
export function parsePolicyFile(text: string, namespace = DEFAULT_NAMESPACE): ParsedFile {
  try {
    const beyond = yamlBoundProblem(text);
    if (beyond !== undefined) return { policies: [], overrides: [], problems: [{ ...beyond, field: '' }], others: 0 };
    return parseBounded(text, namespace);
  } catch (error) {
    const message = `cannot be read as YAML: ${(error as Error).message}`;
    return { policies: [], overrides: [], problems: [{ line: 1, field: '', message }], others: 0 };
  }
}

function parseBounded(text: string, namespace: string): ParsedFile {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const list = 'empty' in documents ? [] : documents;
  const faulty = list.filter(({ errors }) => errors.length > 0).slice(0, MAX_SYNTAX_PROBLEMS);
  const syntax = faulty.flatMap(({ errors }) =>
    errors
      .slice(0, MAX_SYNTAX_PROBLEMS)
      .map(({ pos, message }) => ({ line: lines.linePos(pos[0]).line, field: '', message })),
  );
  if (syntax.length > 0) {
    return { policies: [], overrides: [], problems: syntax.slice(0, MAX_SYNTAX_PROBLEMS), others: 0 };
  }
  const comma = trailingComma(text);
  if (comma !== undefined) return { policies: [], overrides: [], problems: [comma], others: 0 };
  const policies: FilePolicy[] = [];
  const overrides: FileOverride[] = [];
  const problems: LineProblem[] = [];
  let others = 0;
  for (const document of list) {
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
    for (const read of readDocument(document, lines, namespace)) {
      if (read === 'other') others += 1;
      else if ('spec' in read) policies.push(read);
      else if ('override' in read) overrides.push(read);
      else problems.push(read);
    }
  }
  return { policies, overrides, problems, others };
}

/** A comma before a closing bracket, which YAML allows in JSON text and JSON does not. */
function trailingComma(text: string): LineProblem | undefined {
  if (!/^\s*[{[]\s*"/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? [];
    const before = text.slice(0, Number(position));
    if (!/,\s*$/.test(before) || !/^[}\]]/.test(text.slice(before.length))) return undefined;
    const line = before.replace(/\s*$/, '').split('\n').length;
    return { line, field: '', message: 'has a comma before a closing bracket, which JSON does not allow; remove it' };
  }
}

type Path = readonly (string | number)[];

type ReadObject = FilePolicy | FileOverride | LineProblem | 'other';

function readDocument(document: Document.Parsed, lines: LineCounter, namespace: string): ReadObject[] {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return [{ line: lineOf(document, lines, []), field: '', message: (error as Error).message }];
  }
  if (!unfoldsWithin(value, MAX_UNFOLDED)) {
    const message = `unfolds to more than ${MAX_UNFOLDED} characters; use fewer or smaller anchors`;
    return [{ line: lineOf(document, lines, []), field: '', message }];
  }
  const read = (one: unknown, path: Path) =>
    readValue(one, (within) => lineOf(document, lines, [...path, ...within]), namespace);
  if (!isListObject(value)) return [read(value, [])];
  return value.items.map((item, i) => read(item, ['items', i]));
}

/** Whether a value is a `v1` List, or a list of one of our kinds. */
function isListObject(value: unknown): value is { readonly items: readonly unknown[] } {
  const { kind, items } = (value ?? {}) as Record<string, unknown>;
  return LIST_KINDS.has(kind) && Array.isArray(items);
}

const LIST_KINDS = new Set<unknown>(['List', `${KIND}List`, `${OVERRIDE_KIND}List`]);

/** Parses one object, which is a document or an item of a list. `line` returns the line of a path within the object. */
function readValue(value: unknown, line: (path: Path) => number, within: string): ReadObject {
  const problem = (field: string, message: string): LineProblem => ({
    line: line(field === '' ? [] : field.split('.')),
    field,
    message,
  });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem('', `is not a ${KIND} but ${Array.isArray(value) ? 'a list' : 'a plain value'}`);
  }
  const { apiVersion, kind, metadata, spec } = value as Record<string, unknown>;
  if (kind !== KIND && kind !== OVERRIDE_KIND) {
    if (isOther(apiVersion, kind)) return 'other';
    const meant = typeof kind === 'string' ? [KIND, OVERRIDE_KIND].find((ours) => isSimilar(kind, ours)) : undefined;
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    return problem('kind', `must be ${KIND} or ${OVERRIDE_KIND}, not ${show(kind)}${hint}`);
  }
  if (apiVersion !== API_VERSION) return problem('apiVersion', `must be ${API_VERSION}, not ${show(apiVersion)}`);
  const { name, namespace = within, annotations } = (metadata ?? {}) as Record<string, unknown>;
  if (name === undefined) return problem('metadata.name', 'is required; give a name, such as payments');
  if (typeof name !== 'string' || !SUBDOMAIN.test(name) || name.length > 253) {
    return problem('metadata.name', `must be lower-case letters, digits, dashes and dots, not ${show(name)}`);
  }
  if (typeof namespace !== 'string' || !NAMESPACE_PATTERN.test(namespace)) {
    return problem('metadata.namespace', `must be lower-case letters, digits and dashes, not ${show(namespace)}`);
  }
  const found = kind === KIND ? specProblems(spec) : fileOverrideProblems(spec);
  const problems = found.map((one) => ({ ...one, line: line(steps(one.field)) }));
  const common = {
    namespace,
    name,
    line: line(['metadata', 'name']),
    problems,
    lineOf: (field: string) => line(steps(field)),
  };
  if (kind === OVERRIDE_KIND) return { ...common, override: spec };
  return { ...common, spec: spec as PolicySpec, links: policyLinks(annotations) };
}

/** Whether an object is of an unrelated kind. An object of our group, or with a similar kind, is an error instead. */
function isOther(apiVersion: unknown, kind: unknown): boolean {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') return false;
  if (apiVersion.startsWith(`${GROUP}/`)) return false;
  return ![KIND, OVERRIDE_KIND].some((ours) => isSimilar(kind, ours));
}

const isSimilar = (kind: string, ours: string) => leven(kind.toLowerCase(), ours.toLowerCase()) <= 4;

/** A duration is refused in a file, because an object in a file has no creation time. */
function fileOverrideProblems(spec: unknown): SpecProblem[] {
  const problems = overrideProblems(spec);
  if (problems.length > 0 || (spec as { duration?: string }).duration === undefined) return problems;
  return [{ field: 'spec.duration', message: 'counts from the creation, which a file does not have; give expiresAt' }];
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const show = (value: unknown) => (value === undefined ? 'absent' : JSON.stringify(value));

/** Splits a field such as `spec.breakers[2]` into path segments. */
const steps = (field: string) =>
  [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));

/** The line of a field, or of its nearest existing parent. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      const key = keyOf(document, path.slice(0, length));
      return lines.linePos(key ?? node.range[0]).line;
    }
  }
  return 1;
}

/** The offset of a field's key, because a reader looks for the name, not for its value on the next line. */
function keyOf(document: Document.Parsed, path: readonly (string | number)[]): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (path.length === 0 || !isMap(parent)) return undefined;
  const last = path.at(-1);
  const pair = parent.items.find(({ key }) => isNode(key) && String(key) === String(last));
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}
