import type { OverrideSpec } from '@fuseboard/schema';
import type { Override } from '../core/policy/override.ts';

/** Creates and deletes overrides on behalf of users. */
export interface OverrideStore {
  /** @throws {Problem} */
  create(wanted: { namespace: string; spec: OverrideSpec; createdBy: string }): Promise<Override>;
  /**
   * Succeeds when the override no longer exists.
   *
   * @throws {Problem}
   */
  remove(override: Override): Promise<void>;
}
