import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readBoundedFile } from '../../files/bounded-file.ts';
import { MAX_POLICY_FILE_BYTES } from '../../sources/file.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';

/** The files that are meant by a path: itself, or the policy files of a folder. */
export async function policyFiles(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => !name.startsWith('.') && EXTENSIONS.has(extname(name)));
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    throw new CliError(EXIT_CODES.unreachable, `cannot read ${path}: ${(error as Error).message}`);
  }
}

export async function readPolicyFile(path: string): Promise<string> {
  const read = await readBoundedFile(path, { maxBytes: MAX_POLICY_FILE_BYTES }).catch((error: Error) => {
    throw new CliError(EXIT_CODES.unreachable, `cannot read ${path}: ${error.message}`);
  });
  return read.toString();
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);
