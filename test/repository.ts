import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Every file that belongs to the repository, committed or about to be, as paths from its root. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT });
  return [...new Set(listed.toString('utf8').split('\0'))]
    .filter((path) => path !== '' && existsSync(ROOT + path))
    .sort();
}

export function read(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

/** The files that end in one of the given ways, with their text. */
export function sources(...endings: string[]): Map<string, string> {
  const paths = repositoryFiles().filter((path) => endings.some((ending) => path.endsWith(ending)));
  return new Map(paths.map((path) => [path, read(path)]));
}
