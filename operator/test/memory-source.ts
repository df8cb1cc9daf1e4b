import type { Override } from '../src/core/policy/override.ts';
import type { Policy } from '../src/core/policy/policy.ts';
import type { Source, SourceState } from '../src/ports/source.ts';
import { shopPolicy } from './policies.ts';

/** A source that a test sets, with versions as an API server has them. */
export class MemorySource implements Source {
  readonly kind = 'kubernetes';
  /** What a consistent read finds; a test may set it ahead of what was told so far. */
  stored: { policies: readonly Policy[]; resourceVersion?: string; resourceVersionIn?: ReadonlyMap<string, string> } = {
    policies: [],
  };
  overrides: readonly Override[] = [];
  overridesVersion: string | undefined;
  unreadable: string | undefined;
  refreshes = 0;
  #state: SourceState = { synced: false, policies: new Map(), problems: [] };
  #changed: () => void = () => {};

  start(changed: () => void): void {
    this.#changed = changed;
  }

  state(): SourceState {
    return this.#state;
  }

  /** Stores policies and tells of them. */
  set(policies: readonly Policy[], resourceVersion?: string): void {
    this.stored = { policies, ...(resourceVersion !== undefined && { resourceVersion }) };
    this.notify();
  }

  notify(): void {
    const { policies, resourceVersion, resourceVersionIn } = this.stored;
    const byName = new Map(policies.map((policy) => [`${policy.namespace}/${policy.name}`, policy]));
    const overrides = new Map(this.overrides.map((override) => [`${override.namespace}/${override.name}`, override]));
    const { overridesVersion } = this;
    this.#state = {
      synced: true,
      policies: byName,
      overrides,
      problems: [],
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(resourceVersionIn !== undefined && { resourceVersionIn }),
      ...(overridesVersion !== undefined && { overridesVersion }),
    };
    this.#changed();
  }

  async refresh(): Promise<void> {
    this.refreshes += 1;
    if (this.unreadable !== undefined) throw new Error(this.unreadable);
    this.notify();
  }

  async stop(): Promise<void> {}
}

export function policy(name: string, over: Partial<Policy> = {}): Policy {
  const spec = { breakers: [name], trip: { consecutiveFailures: 3 } };
  return shopPolicy(name, { uid: `uid-${name}`, namespace: 'default', spec, ...over });
}
