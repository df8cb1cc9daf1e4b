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
import { DEFAULT_NAMESPACE, NAMESPACE_PATTERN } from '../core/policy/namespace.ts';
import { unfoldsWithin, yamlBoundProblem } from './yaml-bounds.ts';

/** Something wrong in a file, at a line that begins at 1. */
interface LineProblem {
  readonly line: number;
  /** The field, dotted from the top of the document; empty when the problem is with the document or its syntax. */
  readonly field: string;
  readonly message: string;
}

interface FileObject {
  readonly namespace: string;
  readonly name: string;
  readonly line: number;
  readonly problems: readonly (SpecProblem & { readonly line: number })[];
  /** The line of a field such as `spec.trip.minimumCalls`, or of the nearest one around it that is there. */
  lineOf(field: string): number;
}

/** A policy as a file spells it. */
export interface FilePolicy extends FileObject {
  readonly spec: PolicySpec;
}

/** An override as a file spells it. */
export interface FileOverride extends FileObject {
  readonly override: unknown;
}

export interface ParsedFile {
  readonly policies: readonly FilePolicy[];
  readonly overrides: readonly FileOverride[];
  /** What could not become a policy. Where the text is no YAML at all, there are no policies. */
  readonly problems: readonly LineProblem[];
  /** How many objects of other kinds were passed over: a rendered chart holds Deployments too. */
  readonly others: number;
}

/** A larger file is not read. */
export const MAX_POLICY_FILE_BYTES = 8 * 1024 * 1024;

/** How many errors of a file are reported; the next ones appear when these are fixed. */
const MAX_SYNTAX_PROBLEMS = 20;

/** What a document may hold once its aliases are unfolded: characters of its strings, and 16 for each value. */
const MAX_UNFOLDED = 1024 * 1024;

const API_VERSION = `${GROUP}/${VERSION}`;

/**
 * Reads a file of policies and overrides: YAML with one or several documents, or JSON. A list, as `kubectl get -o yaml`
 * prints it, is read as the objects in it. Objects of other kinds are counted, except those whose kind looks like a
 * misspelled one.
 *
 * @param namespace of what names none.
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

/** One object, in a document of its own or in a list; `line` finds the line of a path within it. */
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
    return problem('kind', `must be ${KIND} or ${OVERRIDE_KIND}, not ${show(kind)}`);
  }
  if (apiVersion !== API_VERSION) return problem('apiVersion', `must be ${API_VERSION}, not ${show(apiVersion)}`);
  const { name, namespace = within } = (metadata ?? {}) as Record<string, unknown>;
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
  return kind === KIND ? { ...common, spec: spec as PolicySpec } : { ...common, override: spec };
}

/** Whether an object is of an unrelated kind. One of our group, or with a kind similar to ours, is an error. */
function isOther(apiVersion: unknown, kind: unknown): boolean {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') return false;
  if (apiVersion.startsWith(`${GROUP}/`)) return false;
  return [KIND, OVERRIDE_KIND].every((ours) => leven(kind.toLowerCase(), ours.toLowerCase()) > 4);
}

/** A file has no creation that a duration could count from. */
function fileOverrideProblems(spec: unknown): SpecProblem[] {
  const problems = overrideProblems(spec);
  if (problems.length > 0 || (spec as { duration?: string }).duration === undefined) return problems;
  return [{ field: 'spec.duration', message: 'counts from the creation, which a file does not have; give expiresAt' }];
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const show = (value: unknown) => (value === undefined ? 'absent' : JSON.stringify(value));

/** `spec.breakers[2]` as the steps to walk. */
const steps = (field: string) =>
  [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));

/** The line of a field, or of the nearest one around it that is there. */
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

/** Where the key of a field begins: a reader looks for the name, not for its value on the next line. */
function keyOf(document: Document.Parsed, path: readonly (string | number)[]): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (path.length === 0 || !isMap(parent)) return undefined;
  const last = path.at(-1);
  const pair = parent.items.find(({ key }) => isNode(key) && String(key) === String(last));
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}
