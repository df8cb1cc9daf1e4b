import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

export interface StoredObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation: number;
    creationTimestamp: string;
  };
  spec: unknown;
  status?: unknown;
}

export type Route = 'list' | 'watch' | 'discovery' | 'get' | 'status' | 'event';

/** Answers in place of the server; calls `proceed` to let it answer after all. */
export type Fault = (request: IncomingMessage, response: ServerResponse, proceed: () => void) => void;

interface Stream {
  readonly response: ServerResponse;
  readonly namespace: string | undefined;
}

const COLLECTION =
  /^\/apis\/fuseboard\.dev\/v1alpha1(?:\/namespaces\/([^/]+))?\/circuitbreakerpolicies(?:\/([^/]+))?(\/status)?$/;
const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/**
 * A small API server on a real socket: list in pages, watch with history and bookmarks, discovery, status with
 * conflicts, Events. It fails in every way that it is told to.
 */
export class FaultyApiServer {
  readonly objects = new Map<string, StoredObject>();
  /** How often each route was asked, whatever it answered. */
  readonly asked: Record<Route, number> = { list: 0, watch: 0, discovery: 0, get: 0, status: 0, event: 0 };
  /** Events that were written, by name. */
  readonly events = new Map<string, Record<string, unknown>>();
  readonly streams = new Set<Stream>();
  /** How many were opened. */
  connections = 0;
  /** What discovery says; undefined when the resource is unknown. */
  verbs: readonly string[] | undefined = VERBS;
  #version = 100;
  /** Watches from before this version find no history. */
  #compacted = 0;
  readonly #history: { version: number; type: string; object: StoredObject }[] = [];
  readonly #faults = new Map<Route, Fault>();
  readonly #once = new Map<Route, Fault[]>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response)).on('connection', () => {
      this.connections += 1;
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  get kubeConfig(): KubeConfig {
    const config = new KubeConfig();
    const server = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    config.loadFromClusterAndUser({ name: 'faulty', server, skipTLSVerify: true }, { name: 'operator' });
    return config;
  }

  get version(): string {
    return String(this.#version);
  }

  /** Creates a policy or changes its spec. */
  put(name: string, spec: unknown = { breakers: [name] }, namespace = 'default'): StoredObject {
    const key = `${namespace}/${name}`;
    const known = this.objects.get(key);
    const object: StoredObject = {
      apiVersion: 'fuseboard.dev/v1alpha1',
      kind: 'CircuitBreakerPolicy',
      metadata: {
        name,
        namespace,
        uid: known?.metadata.uid ?? `uid-${name}-${this.#version + 1}`,
        resourceVersion: '',
        generation: (known?.metadata.generation ?? 0) + 1,
        creationTimestamp: known?.metadata.creationTimestamp ?? '2026-01-01T00:00:00Z',
      },
      spec,
      ...(known?.status === undefined ? {} : { status: known.status }),
    };
    return this.#store(known ? 'MODIFIED' : 'ADDED', object);
  }

  putStatus(name: string, status: unknown, namespace = 'default'): StoredObject {
    const known = this.objects.get(`${namespace}/${name}`)!;
    return this.#store('MODIFIED', { ...known, status });
  }

  remove(name: string, namespace = 'default'): void {
    const key = `${namespace}/${name}`;
    const object = this.objects.get(key)!;
    this.objects.delete(key);
    this.#emit('DELETED', this.#next(object));
  }

  /** Changes the store without telling any watch. */
  silently(change: () => void): void {
    const streams = [...this.streams];
    this.streams.clear();
    change();
    for (const stream of streams) this.streams.add(stream);
  }

  bookmark(version = this.version): void {
    for (const { response } of this.streams) {
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: version } } })}\n`);
    }
  }

  /** Forgets the history, as etcd's compaction does. */
  compact(): void {
    this.#compacted = this.#version;
  }

  /** Goes back to an older store, as a restored etcd does. */
  restore(version: number, names: readonly string[]): void {
    this.#version = version;
    this.#history.length = 0;
    for (const key of [...this.objects.keys()]) {
      if (!names.includes(key.split('/')[1]!)) this.objects.delete(key);
    }
  }

  /** Every request of this route meets the fault until `heal`. */
  break(route: Route, fault: Fault): void {
    this.#faults.set(route, fault);
  }

  heal(route: Route): void {
    this.#faults.delete(route);
  }

  /** The next request of this route, which no other one-time fault waits for, meets the fault. */
  breakOnce(route: Route, fault: Fault): void {
    this.#once.set(route, [...(this.#once.get(route) ?? []), fault]);
  }

  /** Writes to every open watch as it is. */
  write(text: string): void {
    for (const { response } of this.streams) response.write(text);
  }

  /** Resets every open watch. */
  cut(): void {
    for (const { response } of this.streams) response.socket?.resetAndDestroy();
  }

  /** Ends every open watch in order. */
  end(): void {
    for (const { response } of this.streams) response.end();
  }

  #next(object: StoredObject): StoredObject {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
  }

  #store(type: string, object: StoredObject): StoredObject {
    const stored = this.#next(object);
    this.objects.set(`${stored.metadata.namespace}/${stored.metadata.name}`, stored);
    this.#emit(type, stored);
    return stored;
  }

  #emit(type: string, object: StoredObject): void {
    this.#history.push({ version: this.#version, type, object });
    for (const { response, namespace } of this.streams) {
      if (namespace === undefined || namespace === object.metadata.namespace) {
        response.write(`${JSON.stringify({ type, object })}\n`);
      }
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {});
    const url = new URL(request.url!, 'http://localhost');
    const [, namespace, name, status] = COLLECTION.exec(url.pathname) ?? [];
    const watch = url.searchParams.has('watch');
    const route: Route = url.pathname.includes('/events')
      ? 'event'
      : status
        ? 'status'
        : name
          ? 'get'
          : watch
            ? 'watch'
            : url.pathname.endsWith('/v1alpha1')
              ? 'discovery'
              : 'list';
    // It has policies only, and that says nothing of how it serves these.
    if (url.pathname.endsWith('/circuitbreakeroverrides')) {
      response.writeHead(404).end('{}');
      return;
    }
    this.asked[route] += 1;
    const proceed = () => {
      if (route === 'watch') this.#watch(url, namespace, response);
      else if (route === 'list') this.#list(url, namespace, response);
      else if (route === 'discovery') this.#discover(response);
      else void this.#object(route, request, url, `${namespace}/${name}`, response);
    };
    const fault = this.#once.get(route)?.shift() ?? this.#faults.get(route);
    if (fault) fault(request, response, proceed);
    else proceed();
  }

  #list(url: URL, namespace: string | undefined, response: ServerResponse): void {
    const all = [...this.objects.values()].filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
    const [version, from] = (url.searchParams.get('continue') ?? `${this.#version}:0`).split(':').map(Number);
    if (version! < this.#compacted) {
      refuse(response, 410);
      return;
    }
    const end = from! + Number(url.searchParams.get('limit') ?? all.length);
    json(response, 200, {
      items: all.slice(from, end),
      metadata: { resourceVersion: String(version), ...(end < all.length ? { continue: `${version}:${end}` } : {}) },
    });
  }

  #watch(url: URL, namespace: string | undefined, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < this.#compacted) {
      refuse(response, 410);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const stream = { response, namespace };
    response.on('close', () => this.streams.delete(stream));
    for (const { version, type, object } of this.#history) {
      if (version > from && (namespace === undefined || namespace === object.metadata.namespace)) {
        response.write(`${JSON.stringify({ type, object })}\n`);
      }
    }
    this.streams.add(stream);
  }

  #discover(response: ServerResponse): void {
    if (this.verbs === undefined) {
      refuse(response, 404);
      return;
    }
    json(response, 200, { resources: [{ name: 'circuitbreakerpolicies', verbs: this.verbs }] });
  }

  async #object(
    route: Route,
    request: IncomingMessage,
    url: URL,
    key: string,
    response: ServerResponse,
  ): Promise<void> {
    const body = JSON.parse((await request.toArray()).join('') || 'null') as StoredObject & Record<string, unknown>;
    if (route === 'event') {
      const name = request.method === 'POST' ? body.metadata.name : decodeURIComponent(url.pathname.split('/').at(-1)!);
      const known = this.events.get(name);
      if (request.method === 'PATCH' && !known) {
        refuse(response, 404);
        return;
      }
      if (request.method === 'POST' && known) {
        refuse(response, 409);
        return;
      }
      this.events.set(name, { ...known, ...body });
      return json(response, 200, this.events.get(name));
    }
    const known = this.objects.get(key);
    if (!known) {
      refuse(response, 404);
      return;
    }
    if (route === 'get') return json(response, 200, known);
    const { resourceVersion, uid } = body.metadata;
    if (resourceVersion !== known.metadata.resourceVersion || uid !== known.metadata.uid) {
      return refuse(response, 409);
    }
    json(response, 200, this.putStatus(known.metadata.name, body.status, known.metadata.namespace));
  }
}

/** Answers with a status as the API server does. */
export function status(code: number, headers: Record<string, string> = {}): Fault {
  return (_request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    refuse(response, code);
  };
}

/** Answers with this text, whatever was asked. */
export function answer(text: string): Fault {
  return (_request, response) => {
    response.end(text);
  };
}

/** Takes the request and says nothing. */
export const silence: Fault = () => {};

/** Resets the connection. */
export const reset: Fault = (request) => {
  request.socket.resetAndDestroy();
};

function json(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number): void {
  json(response, code, { kind: 'Status', code, message: `refused with ${code}` });
}
