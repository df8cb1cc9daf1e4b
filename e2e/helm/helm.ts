import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { findHelm } from '../cluster/kubectl.ts';
import { run } from '../cluster/run.ts';

/** The folder of the chart. */
export const CHART = fileURLToPath(new URL('../../charts/fuseboard', import.meta.url));

/** An object as a template renders it. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was rendered
  readonly [field: string]: any;
}

/** Values that the chart cannot do without. */
export const IMAGE = { image: { repository: 'registry.example/fuseboard' } };

/** Helm of one major version, with folders of its own for all that it keeps. */
export class Helm {
  readonly #binary: string;
  readonly #cluster: Cluster;
  readonly #home: string;

  private constructor(binary: string, cluster: Cluster, major: number) {
    this.#binary = binary;
    this.#cluster = cluster;
    this.#home = join(cluster.folder, `helm-${major}`);
  }

  static async find(major: 3 | 4, cluster: Cluster): Promise<Helm> {
    return new Helm(await findHelm((line) => process.stderr.write(`${line}\n`), major), cluster, major);
  }

  /** Runs helm; `values` go in by `--values -`. Throws a CommandError with its stderr when it fails. */
  run(args: readonly string[], values?: object): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      HOME: this.#home,
      KUBECONFIG: this.#cluster.kubeconfig,
      HELM_CACHE_HOME: this.#home,
      HELM_CONFIG_HOME: this.#home,
      HELM_DATA_HOME: this.#home,
    };
    const given = values === undefined ? [] : ['--values', '-'];
    return run(this.#binary, [...args, ...given], { env, ...(values && { input: JSON.stringify(values) }) });
  }

  /** What `helm template` makes of values, sorted. */
  async template(namespace: string, values: object): Promise<Rendered[]> {
    return objects(await this.run(['template', 'fuseboard', CHART, '--namespace', namespace], values));
  }
}

/** The objects of a text of many documents, sorted by kind, namespace and name. */
export function objects(text: string): Rendered[] {
  const found = parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
  const key = ({ kind, metadata }: Rendered) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The pods that a chart would run, as bare Pods. */
export function barePods(rendered: readonly Rendered[]): Rendered[] {
  return rendered.flatMap(({ kind, metadata, spec }) => {
    const pod = kind === 'Deployment' ? spec.template : kind === 'Pod' ? { metadata, spec } : undefined;
    if (pod === undefined) return [];
    const labels = pod.metadata.labels;
    return [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: metadata.name, labels }, spec: pod.spec }];
  });
}
