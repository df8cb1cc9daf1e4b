import type { OverrideSpec } from '@fuseboard/schema';
import type { Override } from '../core/policy/override.ts';

/** Creates and deletes overrides on behalf of users. */
export interface OverrideStore {
  /** @throws {Problem} when the override is refused or cannot be stored. */
  create(wanted: { namespace: string; spec: OverrideSpec; createdBy: string }): Promise<Override>;
  /**
   * Deletes an override; does nothing when it no longer exists.
   *
   * @throws {Problem} when it cannot be deleted.
   */
  remove(override: Override): Promise<void>;
}
