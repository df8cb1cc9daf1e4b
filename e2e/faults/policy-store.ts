import { GROUP, VERSION } from '@fuseboard/schema';
import { CoreV1Api, CustomObjectsApi, KubeConfig } from '@kubernetes/client-node';
import { monotonic } from '../load/monotonic.ts';
import type { Labels, LogRecord, Truth } from './model/records.ts';

interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
  };
  readonly spec: {
    readonly breakers: readonly string[];
    readonly selector?: { readonly matchLabels?: Labels };
    readonly trip?: { readonly consecutiveFailures?: number };
    readonly classify?: object;
  };
}

/** A policy as a run wants it: for one breaker, whose name it has too. */
export interface Wanted {
  readonly namespace: string;
  readonly breaker: string;
  readonly selector: Labels;
  readonly failures: number;
  /** The API server takes it, and an agent cannot be sent it: it is too large for an event. */
  readonly malformed?: boolean;
  /** Almost as large as an event may be. */
  readonly wide?: boolean;
}

/** Policies in a real API server, with a note of each write. */
export class PolicyStore {
  readonly #api: CustomObjectsApi;
  readonly #core: CoreV1Api;
  readonly #note: (record: LogRecord) => void;
  readonly #known = new Map<string, Stored>();

  constructor(kubeconfig: string, note: (record: LogRecord) => void) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    this.#api = config.makeApiClient(CustomObjectsApi);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#note = note;
  }

  /** Makes a namespace that is not there yet. */
  async namespace(name: string): Promise<void> {
    await this.#core.createNamespace({ body: { metadata: { name } } });
  }

  /** Creates a policy, or replaces its spec; with the status and version of whoever wrote last. */
  async put(wanted: Wanted): Promise<void> {
    const { namespace, breaker } = wanted;
    const key = `${namespace}/${breaker}`;
    const begun = monotonic();
    const spec = specOf(wanted);
    const resource = { ...place(namespace), body: { ...KIND, metadata: { name: breaker, namespace }, spec } };
    const stored: Stored = this.#known.has(key)
      ? await this.#api.patchNamespacedCustomObject({
          ...place(namespace),
          name: breaker,
          body: [{ op: 'replace', path: '/spec', value: spec }],
        })
      : await this.#api.createNamespacedCustomObject(resource);
    this.#known.set(key, stored);
    this.#note({ kind: 'written', at: monotonic(), begun, ...truthOf(stored) });
  }

  async delete(namespace: string, breaker: string): Promise<void> {
    const key = `${namespace}/${breaker}`;
    const begun = monotonic();
    const { uid } = this.#known.get(key)!.metadata;
    await this.#api.deleteNamespacedCustomObject({ ...place(namespace), name: breaker });
    this.#known.delete(key);
    this.#note({ kind: 'deleted', at: monotonic(), begun, uid });
  }

  /** What the API server has now. */
  async truth(namespaces: readonly string[]): Promise<Truth[]> {
    const lists = await Promise.all(namespaces.map((one) => this.#api.listNamespacedCustomObject(place(one))));
    return lists.flatMap(({ items }: { items: Stored[] }) => items.map(truthOf));
  }
}

const KIND = { apiVersion: `${GROUP}/${VERSION}`, kind: 'CircuitBreakerPolicy' };
const place = (namespace: string) => ({ group: GROUP, version: VERSION, namespace, plural: 'circuitbreakerpolicies' });

function specOf({ breaker, selector, failures, malformed = false, wide = false }: Wanted): object {
  const trip = { consecutiveFailures: failures };
  const labels = Object.keys(selector).length > 0 ? { selector: { matchLabels: selector } } : {};
  const names = Array.from({ length: 128 }, (_, i) => `${i}`.padEnd(256, 'x'));
  const lists = { failure: { errorNames: names, errorCodes: names }, ignore: { errorNames: names } };
  if (wide) lists.ignore.errorNames = lists.failure.errorCodes = names.slice(0, 40);
  const spec = { breakers: [breaker], ...labels, trip, recovery: { openDuration: '10m' } };
  return malformed || wide ? { ...spec, classify: lists } : spec;
}

function truthOf({ metadata, spec }: Stored): Truth {
  const { namespace, uid, generation } = metadata;
  const [breaker] = spec.breakers;
  const selector = spec.selector?.matchLabels ?? {};
  const failures = spec.classify === undefined ? spec.trip?.consecutiveFailures : undefined;
  return { namespace, breaker: breaker!, uid, generation, selector, ...(failures !== undefined && { failures }) };
}
