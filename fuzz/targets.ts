import type { Target } from './target.ts';
import { admissionReview } from './targets/admission-review.ts';
import { crdObject } from './targets/crd-object.ts';
import { eventStream } from './targets/event-stream.ts';
import { http } from './targets/http.ts';
import { bootstrap, lastGood } from './targets/last-good.ts';
import { outages } from './targets/outages.ts';
import { policyFile } from './targets/policy-file.ts';
import { duration, query } from './targets/query.ts';
import { report } from './targets/report.ts';
import { session } from './targets/session.ts';
import { agentToken, environment, retryAfter } from './targets/settings.ts';
import { shard } from './targets/shard.ts';
import { spec } from './targets/spec.ts';
import { agentTokens, authorization, origin } from './targets/token.ts';
import { prometheusAnswer, recordedCalls, traffic } from './targets/traffic.ts';

/** Every place where bytes come in from outside. */
export const TARGETS: readonly Target[] = [
  eventStream,
  session,
  lastGood,
  bootstrap,
  environment,
  agentToken,
  retryAfter,
  spec,
  policyFile,
  crdObject,
  admissionReview,
  report,
  query,
  duration,
  authorization,
  agentTokens,
  origin,
  shard,
  outages,
  traffic,
  prometheusAnswer,
  recordedCalls,
  http,
];
