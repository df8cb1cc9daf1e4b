import type { SourceProblem } from '../ports/source.ts';
import { type ParsedFile, parsePolicyFile } from './file.ts';

/** The result of reading a file: its text, an error, or its absence. */
export type FileContent = { readonly text: string } | { readonly unreadable: string } | 'absent';

/** The accepted content of a file. */
export interface AcceptedFile {
  /** What was read, or why that failed. */
  readonly content: Exclude<FileContent, 'absent'>;
  /** The objects in force. */
  readonly parsed: ParsedFile;
  readonly problems: readonly SourceProblem[];
}

const NOTHING: ParsedFile = { policies: [], overrides: [], problems: [], others: 0 };

/** A file that cannot be read; its earlier objects stay. */
export function unreadableFile(name: string, reason: string, earlier: ParsedFile = NOTHING): AcceptedFile {
  const problem = { where: name, message: `cannot be read: ${reason}; its policies stay as they were` };
  return { content: { unreadable: reason }, parsed: earlier, problems: [problem] };
}

/** A file whose text is valid, or that has valid documents: earlier ones with other names stay then. */
export function readableFile(
  name: string,
  text: string,
  fresh: ParsedFile,
  earlier: ParsedFile = NOTHING,
): AcceptedFile {
  const problems = fresh.problems.map(({ line, field, message }) => ({
    where: name,
    line,
    message: field === '' ? message : `${field}: ${message}`,
  }));
  const content = { text };
  if (problems.length === 0) return { content, parsed: fresh, problems };
  const policies = withEarlier(fresh.policies, earlier.policies);
  return {
    content,
    parsed: { ...fresh, policies, overrides: withEarlier(fresh.overrides, earlier.overrides) },
    problems,
  };
}

/** Whether a file has this content already. */
export function hasContent(file: AcceptedFile | undefined, content: FileContent): boolean {
  if (content === 'absent' || file === undefined) return (content === 'absent') === (file === undefined);
  if ('unreadable' in content) return 'unreadable' in file.content && file.content.unreadable === content.unreadable;
  return 'text' in file.content && file.content.text === content.text;
}

/** Whether accepting this content would remove objects of a file. */
export function removesObjects(file: AcceptedFile | undefined, content: FileContent): boolean {
  const before = file === undefined ? [] : [...file.parsed.policies, ...file.parsed.overrides];
  if (before.length === 0) return false;
  if (content === 'absent') return true;
  if ('unreadable' in content) return false;
  const { policies, overrides } = parsePolicyFile(content.text);
  const next = new Set([...policies, ...overrides].map(keyOf));
  return before.some((one) => !next.has(keyOf(one)));
}

function withEarlier<T extends Named>(fresh: readonly T[], earlier: readonly T[]): T[] {
  const names = new Set(fresh.map(keyOf));
  return [...fresh, ...earlier.filter((one) => !names.has(keyOf(one)))];
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

export const keyOf = ({ namespace, name }: Named) => `${namespace}/${name}`;
