type Routes = readonly (readonly [pattern: string, uid: string])[];

/**
 * Finds the first matching route of a name. It looks up the name and its prefixes instead of scanning the list, because
 * there are many names.
 */
export class RouteIndex {
  readonly #exact = new Map<string, Route>();
  readonly #prefixes = new Map<string, Route>();

  /** What this index was made from. */
  readonly routes: Routes;

  /** @param routes pairs of pattern (name, prefix with a trailing `*`, or `*`) and uid, in order of precedence. */
  constructor(routes: Routes) {
    this.routes = routes;
    for (const [position, [pattern, uid]] of routes.entries()) {
      const isPrefix = pattern.endsWith('*');
      const index = isPrefix ? this.#prefixes : this.#exact;
      const key = isPrefix ? pattern.slice(0, -1) : pattern;
      if (!index.has(key)) index.set(key, { position, uid });
    }
  }

  /** The uid of the policy that governs a name; undefined when none does. */
  uidFor(name: string): string | undefined {
    let first = this.#exact.get(name);
    for (let length = 0; length <= name.length && this.#prefixes.size > 0; length++) {
      const route = this.#prefixes.get(name.slice(0, length));
      if (route !== undefined && (first === undefined || route.position < first.position)) first = route;
    }
    return first?.uid;
  }
}

interface Route {
  readonly position: number;
  readonly uid: string;
}
