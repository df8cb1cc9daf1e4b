import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT, repositoryFiles } from './repository.ts';

/**
 * Copies the repository into a new folder, so that commands may write there. Packages installed from outside are
 * linked, the workspaces are those of the copy.
 *
 * @returns the folder; the caller removes it.
 */
export function copyRepository(): string {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const copy = mkdtempSync(join(ROOT, '.cache', 'copy-'));
  for (const path of repositoryFiles()) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  linkPackages(join(ROOT, 'node_modules'), join(copy, 'node_modules'), copy);
  for (const manifest of repositoryFiles().filter((path) => path.endsWith('/package.json'))) {
    const own = join(dirname(manifest), 'node_modules');
    linkPackages(join(ROOT, own), join(copy, own), copy);
  }
  return copy;
}

function linkPackages(from: string, to: string, copy: string): void {
  let names: string[];
  try {
    names = readdirSync(from);
  } catch {
    return;
  }
  mkdirSync(to, { recursive: true });
  for (const name of names) {
    if (name === '@fuseboard') linkWorkspaces(join(from, name), join(to, name), copy);
    else symlinkSync(join(from, name), join(to, name));
  }
}

function linkWorkspaces(from: string, to: string, copy: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const folder = relative(realpathSync(ROOT), realpathSync(join(from, name)));
    symlinkSync(join(copy, folder), join(to, name));
  }
}
