/** The fields of a pod that injection reads. All others pass through untouched. */
export interface PodToInject {
  readonly metadata?: {
    readonly annotations?: Readonly<Record<string, string>> | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec: {
    readonly serviceAccountName?: string | undefined;
    readonly volumes?: readonly { readonly name: string }[] | undefined;
    readonly containers: readonly ContainerToInject[];
    readonly initContainers?: readonly ContainerToInject[] | undefined;
  };
}

interface ContainerToInject {
  readonly env?: readonly { readonly name: string }[] | undefined;
  readonly envFrom?: readonly unknown[] | undefined;
  readonly volumeMounts?: readonly { readonly mountPath: string }[] | undefined;
}

/** The operator settings for an injected pod. */
export interface Place {
  /** The operator URL for agents. */
  readonly url: string;
  /** The CA certificates of the operator's server certificate, in PEM. */
  readonly authority: string;
  readonly audience: string;
}

/** An operation of a JSON Patch, RFC 6902. */
export interface PatchOperation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

/** The annotation and value that enable injection for a pod. */
const INJECT = { name: 'fuseboard.dev/inject', value: 'true' } as const;

const URL_ANNOTATION = 'fuseboard.dev/url';
const AUTHORITY_ANNOTATION = 'fuseboard.dev/ca';

/** The label of injected pods. It selects the pods that need new CA certificates when those of the operator change. */
const INJECTED_LABEL = { name: 'fuseboard.dev/injected', value: 'true' };

/** Without this annotation, an autoscaler keeps a node because of the pod's cache volume. */
const EVICTABLE_ANNOTATION = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';

/** The kubelet sets this annotation on static pods, which no API server admitted. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** The mount path that the agent reads; `POD_MOUNTS` in its settings. */
const LINK = { name: 'fuseboard-dev-link', mountPath: '/var/run/secrets/fuseboard.dev', readOnly: true };
const CACHE = { name: 'fuseboard-dev-cache', mountPath: '/var/cache/fuseboard.dev' };

/** The API server's size limit for the names and values of all annotations of an object. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** Token lifetime. The kubelet renews a token after four fifths of it. */
const TOKEN_SECONDS = 3_600;

/** Labels with the name of a service, the preferred one first. */
const SERVICE_LABELS = ['app.kubernetes.io/name', 'app'];

/**
 * The patch for a pod, so that an agent in any of its containers finds the operator: a volume with token, CA
 * certificates and URL, a volume for cached policies, and a service name. Existing settings stay unchanged, so the
 * patch of an injected pod is empty, and so is that of a pod without the annotation. A pod without a service account
 * can have no token. The API server sets a service account before it calls the webhook, unless its ServiceAccount
 * admission plugin is disabled.
 *
 * @throws when the API server would refuse the patched pod; the message gives the reason.
 */
export function injection(pod: PodToInject, place: Place): PatchOperation[] {
  const { annotations = {}, labels = {} } = pod.metadata ?? {};
  if (annotations[INJECT.name] !== INJECT.value || MIRROR_ANNOTATION in annotations) return [];
  if (!pod.spec.serviceAccountName) return [];
  const lists = ['initContainers', 'containers'] as const;
  const service = SERVICE_LABELS.map((label) => labels[label]).find((value) => value);
  const containers = lists.flatMap((list) =>
    (pod.spec[list] ?? []).map((container, i) => ({ path: `/spec/${list}/${i}`, container })),
  );
  const wanted = containers.map(({ path, container }) => {
    const mounts = [...(mountsAt(container, LINK) ? [] : [LINK]), ...(keepsElsewhere(container) ? [] : [CACHE])];
    const env = service === undefined || isNamed(container) ? [] : [{ name: 'FUSEBOARD_SERVICE', value: service }];
    return { path, container, mounts, env };
  });
  const uses = (volume: { readonly name: string }) => wanted.some(({ mounts }) => mounts.some((one) => one === volume));
  const missing = [LINK, CACHE].filter((one) => uses(one) && !pod.spec.volumes?.some(({ name }) => name === one.name));
  const marks = missing.flatMap((one) =>
    one === LINK ? addresses(annotations, place) : [[EVICTABLE_ANNOTATION, CACHE.name]],
  );
  const added = marks.filter(([name]) => !(name! in annotations));
  if (sizeOf({ ...annotations, ...Object.fromEntries(added) }) > MAX_ANNOTATIONS_BYTES) {
    throw new Error(
      `its annotations would take more than the ${MAX_ANNOTATIONS_BYTES} bytes that the API server admits; make them smaller`,
    );
  }
  const noted = Object.keys({ ...annotations, ...Object.fromEntries(added) });
  const follows = added.some(([name]) => name === AUTHORITY_ANNOTATION);
  const volumes = missing.map((one) =>
    one === LINK
      ? linkVolume(place.audience, noted.includes(AUTHORITY_ANNOTATION))
      : { name: CACHE.name, emptyDir: {} },
  );
  return [
    ...added.map(([name, value]) => add(`/metadata/annotations/${escaped(name!)}`, value)),
    ...(follows ? labelled(pod.metadata?.labels) : []),
    ...appended('/spec/volumes', pod.spec.volumes, volumes),
    ...wanted.flatMap(({ path, container, mounts, env }) => [
      ...appended(`${path}/volumeMounts`, container.volumeMounts, mounts),
      ...appended(`${path}/env`, container.env, env),
    ]),
  ];
}

const sizeOf = (annotations: Readonly<Record<string, string>>) =>
  Object.entries(annotations).reduce((size, both) => size + Buffer.byteLength(both.join('')), 0);

const add = (path: string, value: unknown): PatchOperation => ({ op: 'add', path, value });

const escaped = (name: string) => name.replaceAll('/', '~1');

function labelled(labels: Readonly<Record<string, string>> | undefined): PatchOperation[] {
  const { name, value } = INJECTED_LABEL;
  if (labels === undefined) return [add('/metadata/labels', { [name]: value })];
  return name in labels ? [] : [add(`/metadata/labels/${escaped(name)}`, value)];
}

/** Appends to a list, or creates the list. */
function appended(path: string, list: readonly unknown[] | undefined, values: readonly object[]): PatchOperation[] {
  if (values.length === 0) return [];
  return list === undefined ? [add(path, values)] : values.map((value) => add(`${path}/-`, value));
}

/** The address annotations. A pod with the URL of another operator does not get the CA certificates of this one. */
function addresses(annotations: Readonly<Record<string, string>>, { url, authority }: Place): string[][] {
  if (URL_ANNOTATION in annotations) return [];
  return [
    [URL_ANNOTATION, url],
    [AUTHORITY_ANNOTATION, authority],
  ];
}

function linkVolume(audience: string, withAuthority: boolean): object {
  const file = (path: string, annotation: string) => ({
    path,
    fieldRef: { fieldPath: `metadata.annotations['${annotation}']` },
  });
  const items = [file('url', URL_ANNOTATION), ...(withAuthority ? [file('ca.crt', AUTHORITY_ANNOTATION)] : [])];
  const token = { audience, expirationSeconds: TOKEN_SECONDS, path: 'token' };
  return { name: LINK.name, projected: { sources: [{ serviceAccountToken: token }, { downwardAPI: { items } }] } };
}

const mountsAt = ({ volumeMounts = [] }: ContainerToInject, { mountPath }: { readonly mountPath: string }) =>
  volumeMounts.some((mount) => `${mount.mountPath}/`.startsWith(`${mountPath}/`));

const sets = ({ env = [] }: ContainerToInject, ...names: string[]) => env.some(({ name }) => names.includes(name));

const keepsElsewhere = (container: ContainerToInject) =>
  mountsAt(container, CACHE) || sets(container, 'FUSEBOARD_CACHE_DIR');

/** Whether a container has a service name. `envFrom` may set one, and an injected variable would override it. */
const isNamed = (container: ContainerToInject) =>
  sets(container, 'FUSEBOARD_SERVICE', 'OTEL_SERVICE_NAME') || (container.envFrom ?? []).length > 0;
