import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { count } from '../../core/count.ts';
import { readBoundedFile } from '../../files/bounded-file.ts';
import { unreadable } from '../../files/unreadable.ts';
import { MAX_POLICY_FILE_BYTES, type ParsedFile, parsePolicyFile } from '../../sources/file.ts';
import { policyFilesOf } from '../../sources/policy-files.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';

/** A parsed file with its name for messages. */
export interface PolicyFile extends ParsedFile {
  readonly file: string;
}

/** The argument for standard input, which is also its name in messages. */
const STDIN = '-';
const STDIN_NAME = '<stdin>';

/**
 * Reads the files at the given paths: a file, `-` for standard input, a pattern such as `policies/*.yaml`, or a folder
 * with its `.yaml`, `.yml` and `.json` files at any depth. Names that start with a dot and links to folders outside of
 * it are skipped.
 *
 * @param namespace the namespace of objects that do not name one; absent: `default`.
 * @throws {CliError} when a path cannot be read, or when it contains no policy or override.
 */
export async function readPolicyFiles(paths: readonly string[], namespace?: string): Promise<PolicyFile[]> {
  const names = [...new Set((await Promise.all(paths.map(filesOf))).flat())];
  const files = await Promise.all(
    names.map(async (file) => {
      const { policies, overrides, problems, others } = parsePolicyFile(await contentOf(file), namespace);
      return { file: file === STDIN ? STDIN_NAME : file, policies, overrides, problems, others };
    }),
  );
  if (files.every(isEmpty)) throw new CliError(EXIT_CODES.problems, nothingFound(paths, files));
  return files;
}

/** The number of skipped objects of other kinds, as the end of a sentence; empty for none. */
export function passedOver(files: readonly PolicyFile[]): string {
  const others = files.reduce((sum, file) => sum + file.others, 0);
  return others === 0 ? '' : `, ${count(others, 'object')} of other kinds passed over`;
}

const isEmpty = ({ policies, overrides, problems }: PolicyFile) =>
  policies.length + overrides.length + problems.length === 0;

function nothingFound(paths: readonly string[], files: readonly PolicyFile[]): string {
  const where = paths.map((path) => (path === STDIN ? STDIN_NAME : path)).join(', ');
  if (files.length === 0) return `there is no .yaml, .yml or .json file in ${where}; name a file or another folder`;
  return `there is no policy in ${where} (${count(files.length, 'file')}${passedOver(files)}); name a file that holds one`;
}

async function filesOf(path: string): Promise<string[]> {
  if (path === STDIN) return [path];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    return await folderFiles(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && /[*?[{]/.test(path)) {
      const matched = await matches(path);
      if (matched.length > 0) return matched;
      throw new CliError(EXIT_CODES.unreachable, `no file matches ${path}`);
    }
    throw new CliError(EXIT_CODES.unreachable, unreadable(path, error));
  }
}

/** Expands a pattern that the shell has not expanded. */
async function matches(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob(pattern)) found.push(file);
  return (await Promise.all(found.sort().map(filesOf))).flat();
}

async function folderFiles(folder: string): Promise<string[]> {
  const { files, unreadable } = await policyFilesOf(folder);
  for (const error of unreadable.values()) throw error;
  return files.map((file) => join(folder, file));
}

async function contentOf(file: string): Promise<string> {
  const read =
    file === STDIN
      ? text(process.stdin)
      : readBoundedFile(file, { maxBytes: MAX_POLICY_FILE_BYTES }).then((bytes) => bytes.toString());
  return read.catch((error: Error) => {
    throw new CliError(EXIT_CODES.unreachable, unreadable(file, error));
  });
}
