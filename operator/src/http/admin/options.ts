import type { Logger } from 'pino';
import type { Controller } from '../../control/controller.ts';
import type { Clock } from '../../core/clock.ts';
import type { LimitLog } from '../../core/limits/limit-log.ts';
import type { Access } from '../../ports/access.ts';
import type { History } from '../../ports/history.ts';
import type { OverrideStore } from '../../ports/override-store.ts';
import type { PolicyEditor } from '../../ports/policy-editor.ts';
import type { Audit } from '../audit.ts';

/** The dependencies of the admin API. */
export interface AdminOptions {
  readonly controller: Controller;
  /** Counts requests refused by limits. */
  readonly limits: LimitLog;
  readonly access: Access;
  readonly overrides: OverrideStore;
  readonly history: History;
  readonly policyEditor: PolicyEditor;
  readonly log: Logger;
  readonly audit: Audit;
  readonly clock: Clock;
  /** The current time, in milliseconds since 1970. */
  readonly wallClock: () => number;
  /** The name of this replica. */
  readonly replica: string;
  /** Aborted when the operator shuts down, so that open responses end. */
  readonly leaving: AbortSignal;
  readonly onError: (error: unknown) => void;
}
