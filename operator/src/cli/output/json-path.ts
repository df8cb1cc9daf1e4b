import { createRequire } from 'node:module';
import { UsageError } from '../../config/usage-error.ts';

const require = createRequire(import.meta.url);

/** A part of a template. `path` is relative to the root of the template or to the item of the `range` around it. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'range'; readonly path: string; readonly body: readonly Part[] };

/**
 * Compiles a JSONPath template with the syntax of `kubectl -o jsonpath`
 * (https://kubernetes.io/docs/reference/kubectl/jsonpath/): text, `{.path}`, `{"\n"}`, `{range .items[*]}…{end}`.
 * A template without braces is one path. Several results of a path are separated by spaces, objects are printed as
 * JSON, and a path without a result prints nothing.
 *
 * @returns the function that renders a value.
 * @throws {UsageError} when the template is invalid; the message contains the part.
 */
export function compileTemplate(template: string): (value: unknown) => string {
  if (template.trim() === '') throw invalid(template, 'is empty; give a path, such as jsonpath={.items[*].name}');
  const tokens = tokensOf(/[{}]/.test(template) ? template : `{${template}}`);
  const parts = partsOf(tokens, template, false);
  for (const path of pathsOf(parts)) find(path, {}, template);
  return (value) => render(parts, value, template);
}

const invalid = (part: string, why: string) => new UsageError(`the JSONPath template "${part}" ${why}`);

/** Splits a template into its texts and the contents of its braces. */
function tokensOf(template: string): Part[] {
  const tokens: Part[] = [];
  const pattern = /\{((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^{}"'])*)\}|([^{}]+)/gy;
  while (pattern.lastIndex < template.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(template);
    if (match === null) throw invalid(template.slice(at), 'has a brace or a quote without its counterpart');
    const [, braces, text] = match;
    if (text !== undefined) tokens.push({ kind: 'text', text });
    else tokens.push(...expressions(braces!.trim()));
  }
  return tokens;
}

/** Splits the content of braces at spaces that are outside of quotes and brackets. */
function expressions(content: string): Part[] {
  const range = /^range\s+(.*)$/s.exec(content);
  if (range) return [{ kind: 'range', path: range[1]!.trim(), body: [] }];
  const words = content.match(/(?:\[(?:"[^"]*"|'[^']*'|[^\]])*\]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s[])+/g) ?? [];
  return words.map((word): Part => {
    if (/^["']/.test(word)) return { kind: 'text', text: unquoted(word) };
    return { kind: 'path', path: word };
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

const unquoted = (word: string) => word.slice(1, -1).replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);

/** Nests what stands between `range` and `end`; consumes the tokens. */
function partsOf(tokens: Part[], template: string, inRange: boolean): Part[] {
  const parts: Part[] = [];
  for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
    if (token.kind === 'range') parts.push({ ...token, body: partsOf(tokens, template, true) });
    else if (token.kind === 'path' && token.path === 'end') {
      if (inRange) return parts;
      throw invalid(template, 'has an {end} without its {range}');
    } else parts.push(token);
  }
  if (inRange) throw invalid(template, 'has a {range} without its {end}');
  return parts;
}

const pathsOf = (parts: readonly Part[]): string[] =>
  parts.flatMap((part) =>
    part.kind === 'text' ? [] : part.kind === 'path' ? [part.path] : [part.path, ...pathsOf(part.body)],
  );

function find(path: string, value: unknown, template: string): unknown[] {
  // kubectl accepts a path without its root, and escapes a dot in a key: .labels.app\.kubernetes\.io/name
  const rooted = path
    .replace(/^[$@]?/, '$')
    .replace(/^\$(?=[^.[])/, '$.')
    .replace(/\.((?:[\w/-]*\\\.)+[\w/-]+)/g, (_, key: string) => `['${key.replaceAll('\\.', '.')}']`);
  if (rooted === '$') return [value];
  // Few command lines have a template, and a Tab waits for everything that is loaded.
  const { JSONPath } = require('jsonpath-plus') as typeof import('jsonpath-plus');
  try {
    return JSONPath({ path: rooted, json: value as object, eval: 'safe', wrap: true });
  } catch (error) {
    throw invalid(template, `cannot be read at {${path}}: ${(error as Error).message}`);
  }
}

function render(parts: readonly Part[], value: unknown, template: string): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const found = find(part.path, value, template);
      if (part.kind === 'path') return found.map(shown).join(' ');
      return found.map((item) => render(part.body, item, template)).join('');
    })
    .join('');
}

const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
