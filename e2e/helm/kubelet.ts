import { chmod, chown, mkdir, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.ts';
import type { Launch } from '../processes/agent.ts';
import { MAIN } from '../processes/agent.ts';
import { PYTHON_MAIN, PYTHON_SOURCES, type PythonLaunch } from '../processes/python-agent.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where a service in a pod has this repository. */
const APP = '/run/app';

const inside = (path: string) => join(APP, relative(ROOT, path));

interface Source {
  readonly serviceAccountToken?: {
    readonly audience: string;
    readonly expirationSeconds: number;
    readonly path: string;
  };
  readonly downwardAPI?: {
    readonly items: readonly { readonly path: string; readonly fieldRef: { readonly fieldPath: string } }[];
  };
}

interface Volume {
  readonly name: string;
  readonly projected?: { readonly defaultMode: number; readonly sources: readonly Source[] };
  readonly emptyDir?: object;
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

/** A pod as the API server stores it, as far as is looked at here. */
export interface StoredPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly securityContext?: { readonly runAsUser?: number };
    readonly volumes?: readonly Volume[];
    readonly containers: readonly {
      readonly name: string;
      readonly env?: readonly { readonly name: string; readonly value: string }[];
      readonly volumeMounts?: readonly Mount[];
    }[];
  };
}

/**
 * Stands for the part of a kubelet that lays out a pod's volumes: projected tokens of the API server, fields of the
 * pod, and empty folders, with the owners and modes that a kubelet gives them.
 */
export class Kubelet {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async pod(namespace: string, name: string): Promise<StoredPod> {
    return JSON.parse(await this.#cluster.kubectl('get', 'pod', name, '-n', namespace, '-o', 'json')) as StoredPod;
  }

  /** Writes the volumes of a pod, again when it is there already; returns their folders by name. */
  async layOut(pod: StoredPod): Promise<Record<string, string>> {
    const user = pod.spec.securityContext?.runAsUser ?? 0;
    const folders: Record<string, string> = {};
    for (const volume of pod.spec.volumes ?? []) {
      const folder = join(this.#cluster.folder, 'pods', pod.metadata.uid, volume.name);
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o777);
      folders[volume.name] = folder;
      for (const source of volume.projected?.sources ?? []) {
        const { serviceAccountToken: token, downwardAPI } = source;
        if (token) {
          // One user in all containers: the token is that user's alone.
          await this.#write(join(folder, token.path), await this.#token(pod, token), 0o600, user);
        }
        for (const { path, fieldRef } of downwardAPI?.items ?? []) {
          await this.#write(join(folder, path), annotation(pod, fieldRef.fieldPath), volume.projected!.defaultMode, 0);
        }
      }
    }
    return folders;
  }

  /**
   * How to start a service inside the volumes of its pod: in a mount namespace of its own, with a root that cannot be
   * written, as the pod's user and without any capability. Nothing of this machine's own `/run` and `/var/cache` is
   * there.
   */
  async launch(pod: StoredPod): Promise<Launch> {
    const { execArgv, environment } = await this.#inside(pod);
    const node = relative(ROOT, process.execPath).startsWith('..') ? process.execPath : inside(process.execPath);
    return { execPath: 'unshare', execArgv: [...execArgv, node], main: inside(MAIN), environment };
  }

  /** The same for a service in Python. It runs on the interpreter of the system: others may be in somebody's home. */
  async launchPython(pod: StoredPod): Promise<PythonLaunch> {
    const { execArgv, environment } = await this.#inside(pod);
    return {
      command: 'unshare',
      args: [...execArgv, 'python3', '-W', 'error', inside(PYTHON_MAIN)],
      environment: { ...environment, PATH: '/usr/local/bin:/usr/bin:/bin', PYTHONPATH: inside(PYTHON_SOURCES) },
    };
  }

  /** The arguments of `unshare` before a program, and the variables of the pod's first container. */
  async #inside(pod: StoredPod): Promise<{ execArgv: string[]; environment: Record<string, string> }> {
    const folders = await this.layOut(pod);
    const [{ volumeMounts = [], env = [] }] = pod.spec.containers as [StoredPod['spec']['containers'][number]];
    const asRoot = process.getuid?.() === 0;
    const lines = [
      'mount -t tmpfs tmpfs /run',
      'mount -t tmpfs tmpfs /var/cache',
      `mkdir ${APP}`,
      `mount --bind '${ROOT}' ${APP}`,
      ...volumeMounts.flatMap(({ name, mountPath, readOnly }) => [
        `mkdir -p '${mountPath}'`,
        `mount --bind '${folders[name]}' '${mountPath}'`,
        ...(readOnly ? [`mount -o remount,bind,ro '${mountPath}'`] : []),
      ]),
      'mount -o remount,bind,ro /',
      'cd /',
      asRoot
        ? `exec setpriv --reuid=${pod.spec.securityContext?.runAsUser ?? 0} --regid=65532 --clear-groups --no-new-privs --bounding-set=-all "$@"`
        : 'exec "$@"',
    ];
    return {
      execArgv: [asRoot ? '--mount' : '-rm', 'sh', '-ec', lines.join('\n'), 'sh'],
      environment: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    };
  }

  /** All at once, as a reader sees it. */
  async #write(path: string, text: string, mode: number, user: number): Promise<void> {
    const fresh = `${path}.new`;
    await writeFile(fresh, text, { mode });
    if (process.getuid?.() === 0) await chown(fresh, user, 0);
    await rename(fresh, path);
  }

  async #token({ metadata, spec }: StoredPod, wanted: NonNullable<Source['serviceAccountToken']>): Promise<string> {
    const { name, namespace, uid } = metadata;
    const bound = ['--bound-object-kind=Pod', `--bound-object-name=${name}`, `--bound-object-uid=${uid}`];
    const account = spec.serviceAccountName ?? 'default';
    const how = [`--audience=${wanted.audience}`, `--duration=${wanted.expirationSeconds}s`];
    return (await this.#cluster.kubectl('create', 'token', account, '-n', namespace, ...how, ...bound)).trim();
  }
}

function annotation({ metadata }: StoredPod, fieldPath: string): string {
  const name = /^metadata\.annotations\['(.+)'\]$/.exec(fieldPath)?.[1];
  if (name === undefined) throw new Error(`a field that is not known here: ${fieldPath}`);
  return metadata.annotations?.[name] ?? '';
}
