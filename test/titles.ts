import { parseSync } from '@swc/core';

interface Node {
  readonly type?: string;
  readonly [field: string]: unknown;
}

const RUNNERS = ['it', 'test', 'describe'];
const NOT_RUN = ['skip', 'todo'];

/** The titles of the tests and groups of a source file that run, in their order; `%s` stands for each expression. */
export function titlesOf(source: string): string[] {
  const titles: string[] = [];
  visit(parseSync(source, { syntax: 'typescript', target: 'es2022' }) as unknown as Node, titles);
  return titles;
}

function visit(node: unknown, titles: string[]): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, titles);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { type, callee, arguments: given } = node as Node;
  if (type === 'CallExpression') {
    const names = namesOf(callee as Node);
    if (RUNNERS.includes(names[0] ?? '')) {
      if (names.some((name) => NOT_RUN.includes(name))) return;
      const title = textOf((given as { expression: Node }[])[0]?.expression);
      if (title !== undefined) titles.push(title);
    }
  }
  for (const child of Object.values(node)) visit(child, titles);
}

/** `it`, `each` for `it.each(…)`; empty for what is no plain name with its properties. */
function namesOf({ type, value, object, property, callee }: Node): string[] {
  if (type === 'Identifier') return [value as string];
  if (type === 'CallExpression') return namesOf(callee as Node);
  if (type !== 'MemberExpression') return [];
  const { type: kind, value: name } = property as Node;
  return kind === 'Identifier' ? [...namesOf(object as Node), name as string] : [];
}

function textOf(node: Node | undefined): string | undefined {
  if (node?.type === 'StringLiteral') return node.value as string;
  if (node?.type !== 'TemplateLiteral') return undefined;
  return (node.quasis as { cooked: string }[]).map(({ cooked }) => cooked).join('%s');
}
