import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Block, blocks } from '../../test/documents.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { findHelm, findKubectl } from '../cluster/kubectl.ts';
import { run } from '../cluster/run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const NODE = process.execPath;
const FLAGS = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'];
const OPERATOR = join(ROOT, 'operator/src/main.ts');

const words = (...all: string[]) => all.map((word) => `'${word}'`).join(' ');

/** A command of the reader's that runs another one. */
const command = (home: string, name: string, ...run: string[]) =>
  writeFile(join(home, 'bin', name), `#!/bin/sh\nexec ${words(...run)} "$@"\n`, { mode: 0o755 });

/** Somebody who follows a guide: with kubectl, helm and `charts/` at hand, and a kubeconfig where it is looked for. */
export class Reader {
  readonly home: string;

  private constructor(home: string) {
    this.home = home;
  }

  static async of(cluster: Cluster): Promise<Reader> {
    const home = join(cluster.folder, 'home');
    await mkdir(join(home, '.kube'), { recursive: true });
    await mkdir(join(home, 'bin'));
    await copyFile(cluster.kubeconfig, join(home, '.kube', 'config'));
    await symlink(await findHelm(), join(home, 'bin', 'helm'));
    await symlink(await findKubectl(), join(home, 'bin', 'kubectl'));
    await command(home, 'fuseboard', NODE, ...FLAGS, OPERATOR);
    for (const name of ['charts', 'examples']) await symlink(join(ROOT, name), join(home, name));
    return new Reader(home);
  }

  /** The blocks of a guide that say that the test of this name runs them. */
  static async blocks(path: string, test: string): Promise<Block[]> {
    const reason = `needs a cluster; ${test} runs it on one`;
    const all = blocks(path, await readFile(join(ROOT, path), 'utf8'));
    return all.filter(({ notRun }) => notRun === reason);
  }

  /** Runs a block in the reader's home, up to the first command that fails. */
  run(text: string): Promise<string> {
    const env = { HOME: this.home, PATH: `${join(this.home, 'bin')}:${process.env.PATH}` };
    return run('bash', ['-euo', 'pipefail', '-c', text], { cwd: this.home, env });
  }
}
