import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
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
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new CliError(EXIT_CODES.unreachable, `cannot read ${path}: ${error.message}`);
  });
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);
