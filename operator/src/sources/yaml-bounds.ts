import { Lexer } from 'yaml';

/** Limit of documents in one file. */
export const MAX_DOCUMENTS = 10_000;

/** Limit of YAML tokens in one file. A policy has about a hundred. */
const MAX_TOKENS = 1_000_000;

/** Limit of nested flow collections, and of collection indicators on one line. */
const MAX_DEPTH = 64;

/** Limit of the indentation of a line, in columns. Each block level takes at least one column. */
const MAX_INDENT = 256;

/** Limit of anchors and aliases in one file. */
const MAX_ANCHORS = 1_000;

/** The lexer's token for the start of a document. */
const DOCUMENT = '\u0002';

/**
 * Finds the first place where a text exceeds the limits for parsing. It reads one token at a time and stores none, so
 * that a text that would exhaust the memory or the stack of the parser is detected first.
 */
export function yamlBoundProblem(text: string): { readonly line: number; readonly message: string } | undefined {
  const nul = text.indexOf('\0');
  if (nul >= 0) return { line: text.slice(0, nul).split('\n').length, message: 'holds a NUL character; remove it' };
  let line = 1;
  let documents = 0;
  let tokens = 0;
  let anchors = 0;
  let flow = 0;
  let indicators = 0;
  let atStart = true;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    const first = token[0];
    if (token === '---' || token === '...') documents += 1;
    else if (first === '&' || first === '*') anchors += 1;
    else if (token === '[' || token === '{') flow += 1;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    else if (token === '-' || token === '?') indicators += 1;
    const indent = atStart && first === ' ' ? token.length : 0;
    const beyond = boundBroken({ documents, tokens, anchors, flow, indicators, indent });
    if (beyond !== undefined) return { line, message: beyond };
    atStart = token.endsWith('\n') || token === DOCUMENT;
    if (token.includes('\n')) {
      line += token.split('\n').length - 1;
      indicators = 0;
    }
  }
  return undefined;
}

interface Counted {
  readonly documents: number;
  readonly tokens: number;
  readonly anchors: number;
  readonly flow: number;
  readonly indicators: number;
  readonly indent: number;
}

function boundBroken({ documents, tokens, anchors, flow, indicators, indent }: Counted): string | undefined {
  if (documents > MAX_DOCUMENTS) return `has more than ${MAX_DOCUMENTS} documents; use several files`;
  if (tokens > MAX_TOKENS) return `has more than ${MAX_TOKENS} tokens of YAML; use several files`;
  if (anchors > MAX_ANCHORS) return `has more than ${MAX_ANCHORS} anchors and aliases; write the values out`;
  if (flow > MAX_DEPTH || indicators > MAX_DEPTH) return `nests deeper than ${MAX_DEPTH}; no policy does`;
  if (indent > MAX_INDENT) return `is indented by more than ${MAX_INDENT} columns; no policy is`;
  return undefined;
}

/** The cost of any value, in addition to the length of a string. */
const VALUE_COST = 16;

/** Whether the expanded size of a value, with aliases resolved, is at most `most`. */
export function unfoldsWithin(value: unknown, most: number): boolean {
  const left = [value];
  let size = 0;
  while (left.length > 0) {
    const one = left.pop();
    size += VALUE_COST + (typeof one === 'string' ? one.length : 0);
    if (size > most) return false;
    if (typeof one !== 'object' || one === null) continue;
    for (const [key, inner] of Object.entries(one)) {
      size += key.length;
      left.push(inner);
    }
  }
  return true;
}
