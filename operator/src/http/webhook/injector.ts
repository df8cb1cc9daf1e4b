import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { injection, type PatchOperation } from '../../core/injection.ts';
import { FairShare } from '../../core/limits/fair-share.ts';
import type { LimitLog } from '../../core/limits/limit-log.ts';
import { LIMITS } from '../../core/limits/limits.ts';
import { printable } from '../../core/printable.ts';
import { FairBudget } from '../../core/rate-limit/fair-budget.ts';
import { jitteredRetryMs } from '../../core/rate-limit/retry-after.ts';
import { readBoundedFile } from '../../files/bounded-file.ts';
import { Problem } from '../../ports/problem.ts';
import { Bodies, hasMoreValues, parseBody } from '../body.ts';
import { peerAddress } from '../peer-address.ts';
import { answerProblems, answerUnknown, parse } from '../problem.ts';

/** The path of the admission webhook for pods. */
const INJECT_PATH = '/inject';

export interface InjectorOptions {
  /** The operator URL for agents. */
  readonly url: string;
  /**
   * Path of the CA certificates for agents, in PEM. The file is read again for each pod; while that fails, as it may at
   * the moment when the kubelet replaces the file, pods get what was read last.
   */
  readonly caFile: string;
  readonly audience: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly limits: LimitLog;
  readonly clock: Clock;
  /** Returns a random number from 0 to below 1, for jitter of retry times. */
  readonly random: () => number;
}

/** Above the API server's limit of 3 MiB for an object. */
const MAX_REVIEW_BYTES = 4 * 1024 * 1024;

const MAX_VALUES = LIMITS['values-of-review'].value;
const LINES_PER_SECOND = LIMITS['review-log-lines'].value;

/** Limit of a name or a message in a log line. Names of Kubernetes are shorter; a forged review has any. */
const MAX_LOGGED = 253;

/** Size limit of the CA certificates: far above any bundle, and far below the limit for all annotations of a pod. */
const MAX_AUTHORITY_BYTES = 65_536;

const NamedSchema = z.object({ name: z.string() });
const ContainersSchema = z.array(
  z.object({
    env: z.array(NamedSchema).optional(),
    envFrom: z.array(z.unknown()).optional(),
    volumeMounts: z.array(z.object({ mountPath: z.string() })).optional(),
  }),
);
const TextsSchema = z.record(z.string(), z.string()).optional();
/** The fields of a pod that injection reads. */
export const PodSchema = z.object({
  metadata: z
    .object({
      name: z.string().optional(),
      generateName: z.string().optional(),
      annotations: TextsSchema,
      labels: TextsSchema,
    })
    .default({}),
  spec: z.object({
    serviceAccountName: z.string().optional(),
    volumes: z.array(NamedSchema).optional(),
    containers: ContainersSchema,
    initContainers: ContainersSchema.optional(),
  }),
});
/** The request of the API server to the webhook. */
export const ReviewSchema = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1).max(128),
    operation: z.string(),
    namespace: z.string().default(''),
    dryRun: z.boolean().nullish(),
    resource: z.object({ group: z.string(), resource: z.string() }),
    object: z.unknown(),
  }),
});

/**
 * Answers admission requests for new pods with a patch that lets the agents in the pod find the operator. It never
 * refuses a pod. A pod that cannot be injected is created unchanged, with a warning for the user who creates it.
 */
export function injectorApp({ url, caFile, audience, log, limits, clock, random }: InjectorOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  const retryAfterMs = () => jitteredRetryMs(random);
  const places = new FairShare({ total: LIMITS.reviews.value });
  const bodies = new Bodies({
    maxBytes: MAX_REVIEW_BYTES,
    totalMiB: LIMITS['review-bytes'].value,
    // Leaves room for a review of any size, whatever one address sends.
    namespaceShare: 1,
    reason: 'review-bytes',
    limits,
    retryAfterMs,
  });
  const lines = new FairBudget({
    perKey: LINES_PER_SECOND / 2,
    burst: LINES_PER_SECOND,
    total: LINES_PER_SECOND,
    clock,
  });

  /** Logs a line, unless reviews from its address or all together have had too many. */
  function say(from: string, level: 'info' | 'warn', facts: object, line: string): void {
    if (lines.take(from) !== undefined) limits.reached('review-log-lines', { from });
    else log[level](facts, line.slice(0, MAX_LOGGED));
  }

  let lastAuthority: string | undefined;

  async function authorityNow(from: string): Promise<string> {
    try {
      lastAuthority = await readAuthority(caFile);
      return lastAuthority;
    } catch (error) {
      if (lastAuthority === undefined) throw error;
      say(from, 'warn', {}, `${(error as Error).message}; pods get the certificates that were read last`);
      return lastAuthority;
    }
  }

  async function review(request: Request, response: Response): Promise<void> {
    bodies.check(request);
    const from = peerAddress(request.socket);
    if (response.destroyed) return;
    if (places.take(from, undefined) !== undefined) {
      limits.reached('reviews', { from });
      throw new Problem(503, 'too many reviews are being answered; send it again later', retryAfterMs());
    }
    response.on('close', () => places.release(from, undefined));
    const body = await bodies.read(request, response, { namespace: from });
    if (hasMoreValues(body, MAX_VALUES)) {
      limits.reached('values-of-review', { from });
      throw new Problem(413, `the review has more than ${MAX_VALUES} values, the limit`);
    }
    const authority = await authorityNow(from).catch((error: Error) => error);
    // A body takes many times its size when it is parsed. Nothing is awaited after that, so there is one at a time.
    response.json(answerTo(parseBody(body), authority, from));
  }

  function answerTo(body: unknown, authority: string | Error, from: string): object {
    const { uid, operation, namespace, resource, object, dryRun } = parse(ReviewSchema, body).request;
    const answer = (more: object) => ({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid, allowed: true, ...more },
    });
    if (operation !== 'CREATE' || resource.group !== '' || resource.resource !== 'pods') return answer({});
    const told = { namespace: clipped(namespace) };
    try {
      const { pod } = parse(z.object({ pod: PodSchema }), { pod: object });
      if (authority instanceof Error) throw authority;
      const { name = pod.metadata.generateName } = pod.metadata;
      const patch = injection(pod, { url, audience, authority });
      if (patch.length === 0) return answer({});
      if (dryRun !== true) say(from, 'info', { ...told, pod: clipped(name) }, 'injected a pod');
      return answer(encoded(patch));
    } catch (error) {
      const { message } = error as Error;
      say(from, 'warn', told, `a pod is created without the settings of the agent: ${message}`);
      return answer({ warnings: ['fuseboard.dev/inject: the pod is created without it; see the log of the operator'] });
    }
  }

  app.post(INJECT_PATH, review);
  app.use(answerUnknown);
  app.use(answerProblems((error) => log.error({ err: error }, 'cannot answer an admission review')));
  return app;
}

/** A shortened value of a review for the log. */
const clipped = (value: string | undefined) => value && printable(value.slice(0, MAX_LOGGED));

const encoded = (patch: readonly PatchOperation[]) => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
});

/**
 * Reads the certificates of a PEM file. Anything else in the file, such as a key, is left out.
 *
 * @throws when the file has no certificates, or too many; the message names the flag.
 */
export async function readAuthority(path: string): Promise<string> {
  const read = await readBoundedFile(path).catch((error: Error) => {
    throw new Error(`--webhook-ca-file: ${error.message}`);
  });
  const certificates =
    read.toString().match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  const authority = certificates.map((one) => `${one}\n`).join('');
  if (certificates.length === 0) throw new Error(`--webhook-ca-file: ${path} holds no certificate in PEM`);
  if (authority.length > MAX_AUTHORITY_BYTES) {
    throw new Error(
      `--webhook-ca-file: ${path} has ${authority.length} bytes of certificates; ${MAX_AUTHORITY_BYTES} is the limit`,
    );
  }
  return authority;
}
