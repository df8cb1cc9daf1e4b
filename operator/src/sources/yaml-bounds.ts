import { Lexer } from 'yaml';

/** Documents of one file. */
export const MAX_DOCUMENTS = 10_000;

/** Tokens of YAML: a policy has about a hundred. */
const MAX_TOKENS = 1_000_000;

/** Flow collections inside each other, and indicators of collections on one line. */
const MAX_DEPTH = 64;

/** The maximum indentation of a line in columns; each level of a block takes at least one. */
const MAX_INDENT = 256;

/** Anchors, and aliases of them, in one file. */
const MAX_ANCHORS = 1_000;

/** The mark of the lexer for the begin of a document. */
const DOCUMENT = '\u0002';

/**
 * What of a text is beyond the bounds of what is parsed. It looks at one token after the other and keeps none, so that
 * a text that would take all memory or the whole stack to parse is found out before that.
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

/** What a value that is no string costs. */
const VALUE_COST = 16;

/** Whether a value has at most this many characters when its aliases are expanded. */
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
