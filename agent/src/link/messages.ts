import { MAX_ROUTES_PER_AGENT } from '@fuseboard/schema/defaults';
import type {
  Begin,
  Commit,
  Goaway,
  Heartbeat,
  Hello,
  InSync,
  OverrideEvent,
  PolicyEvent,
  Remove,
  Routes,
} from '@fuseboard/schema/types';
import type { StreamEvent } from './event-stream.ts';
import {
  type Fields,
  isAbsentOr,
  isAction,
  isCount,
  isFields,
  isListOf,
  isOverride,
  isPolicy,
  isResourceVersions,
  isRevision,
  isRoute,
  isText,
} from './local/stored-set.ts';

/** A validated message of the stream. */
export type Message =
  | ({ readonly type: 'hello' } & Readonly<Hello>)
  | ({ readonly type: 'begin' } & Readonly<Begin>)
  | ({ readonly type: 'policy' } & Readonly<PolicyEvent>)
  | ({ readonly type: 'override' } & Readonly<OverrideEvent>)
  | ({ readonly type: 'remove' } & Readonly<Remove>)
  /** Without `routes`: there are more than an agent takes. */
  | { readonly type: 'routes'; readonly routes: Routes | undefined }
  | ({ readonly type: 'commit' } & Readonly<Commit>)
  | ({ readonly type: 'insync' } & Readonly<InSync>)
  | ({ readonly type: 'heartbeat' } & Readonly<Heartbeat>)
  | ({ readonly type: 'goaway' } & Readonly<Goaway>);

const CHECKS: Record<string, (fields: Fields) => boolean> = {
  hello: (f) => isCount(f.protocol) && isCount(f.heartbeatMs) && isAbsentOr(f.reportUrl, (url) => isText(url, 2_048)),
  begin: (f) =>
    (f.kind === 'snapshot' || (f.kind === 'patch' && isRevision(f.base))) &&
    isRevision(f.revision) &&
    isCount(f.now) &&
    isAbsentOr(f.asOf, isResourceVersions) &&
    isAbsentOr(f.reset, (reset) => typeof reset === 'boolean'),
  policy: isPolicy,
  override: isOverride,
  remove: (f) => isText(f.uid, 64),
  commit: (f) => isRevision(f.revision),
  insync: (f) => isRevision(f.revision) && isCount(f.now) && isAbsentOr(f.asOf, isResourceVersions),
  heartbeat: (f) => isAbsentOr(f.asOf, isResourceVersions),
  goaway: (f) => isCount(f.reconnectAfterMs),
};

/**
 * Parses one event of the stream.
 *
 * @returns the message; `undefined` for an unknown event of a newer version; a fault for a malformed event.
 */
export function readMessage({ event, data }: StreamEvent): Message | { readonly fault: string } | undefined {
  if (event !== 'routes' && !Object.hasOwn(CHECKS, event)) return undefined;
  // Before it is parsed, because that would take long.
  if (event === 'routes' && hasTooManyRoutes(data)) return { type: 'routes', routes: undefined };
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch {
    return { fault: `the event "${event}" is not JSON` };
  }
  if (event === 'routes') {
    return isListOf(body, isRoute)
      ? { type: 'routes', routes: body as Routes }
      : { fault: 'the event "routes" is malformed' };
  }
  // An unknown action of a newer operator is ignored, and not reported as applied.
  if (event === 'override' && isFields(body) && !isAction(body.action)) return undefined;
  return isFields(body) && CHECKS[event]!(body)
    ? ({ ...body, type: event } as unknown as Message)
    : { fault: `the event "${event}" is malformed` };
}

/** Counts what begins a value. A route is a list of two texts, and none of its characters occurs in a name or uid. */
function hasTooManyRoutes(text: string): boolean {
  const begins = /[[{,]/g;
  for (let left = 3 * MAX_ROUTES_PER_AGENT; begins.test(text); left--) if (left === 0) return true;
  return false;
}
