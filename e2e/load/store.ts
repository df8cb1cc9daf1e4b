import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { GROUP, VERSION } from '@fuseboard/schema';
import { CustomObjectsApi, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { monotonic } from './monotonic.ts';
import { type PolicyObject, WATCHED, watchedPolicy } from './policies.ts';

/** Where the policies of a run are kept. */
export interface Store {
  /** What the operator waits on purpose before it pushes an edit, beyond its 100 ms of coalescing, in ms. */
  readonly settleMs: number;
  put(policies: readonly PolicyObject[]): Promise<void>;
  /** Edits the watched policy; resolves to the time at which the edit began. */
  edit(edit: number): Promise<number>;
  /** How many writes of a policy's status the store has seen; absent where there are none. */
  statusWrites?(): Promise<number>;
  clear(): Promise<void>;
}

const PER_FILE = 100;
/** The operator believes a text once it stayed the same for this long. */
const SETTLE_MS = 60;

/** Policies in a folder: the watched one in a file of its own, the others a hundred to a file. */
export function folderStore(folder: string, namespace: string): Store {
  const written = new Set<string>();
  const write = async (name: string, policies: readonly PolicyObject[]) => {
    const temporary = join(folder, `.${name}.part`);
    await writeFile(temporary, policies.map((one) => JSON.stringify(one)).join('\n---\n'));
    const begun = monotonic();
    await rename(temporary, join(folder, name));
    written.add(name);
    return begun;
  };
  return {
    settleMs: SETTLE_MS,
    async put([first, ...others]) {
      await mkdir(folder, { recursive: true });
      await write('load-watched.yaml', [first!]);
      for (let i = 0; i < others.length; i += PER_FILE) {
        await write(`load-${i / PER_FILE}.yaml`, others.slice(i, i + PER_FILE));
      }
    },
    edit: (edit) => write('load-watched.yaml', [watchedPolicy(namespace, edit)]),
    async clear() {
      for (const name of written) await rm(join(folder, name), { force: true });
    },
  };
}

const PLURAL = 'circuitbreakerpolicies';
const AT_ONCE = 8;

/** Policies in a cluster. */
export function clusterStore(kubeconfig: string, namespace: string): Store {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  const resource = { group: GROUP, version: VERSION, namespace, plural: PLURAL };
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  const put: string[] = [];
  const each = async (work: readonly (() => Promise<unknown>)[]) => {
    let next = 0;
    const worker = async () => {
      while (next < work.length) await work[next++]!();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  return {
    settleMs: 0,
    async put(policies) {
      put.push(...policies.map(({ metadata }) => metadata.name));
      await each(policies.map((body) => () => api.createNamespacedCustomObject({ ...resource, body })));
    },
    async edit(edit) {
      const { spec } = watchedPolicy(namespace, edit);
      const begun = monotonic();
      await api.patchNamespacedCustomObject({ ...resource, name: WATCHED, body: { spec } }, merge);
      return begun;
    },
    async statusWrites() {
      return requestsIn(await metricsOf(config), PLURAL, 'status');
    },
    async clear() {
      const names = put.splice(0);
      await each(names.map((name) => () => api.deleteNamespacedCustomObject({ ...resource, name })));
    },
  };
}

/** How many requests that write to a resource the metrics of an API server count. */
export function requestsIn(metrics: string, resource: string, subresource = ''): number {
  let requests = 0;
  for (const [, labels, value] of metrics.matchAll(/^apiserver_request_total\{([^}]*)\} (\S+)$/gm)) {
    const meant = labels!.includes(`resource="${resource}"`) && labels!.includes(`subresource="${subresource}"`);
    if (meant && /verb="(POST|PUT|PATCH)"/.test(labels!)) requests += Number(value);
  }
  return requests;
}

/** The metrics of an API server, as text. */
export async function metricsOf(config: KubeConfig): Promise<string> {
  const url = new URL('/metrics', config.getCurrentCluster()!.server);
  const options = {};
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text)).on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}
