import express, { type Express, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { injection, type PatchOperation } from '../../core/injection.ts';
import { readBoundedFile } from '../../files/bounded-file.ts';
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
}

/** Above the API server's limit of 3 MiB for an object. */
const MAX_REVIEW_BYTES = '4mb';

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
export function injectorApp({ url, caFile, audience, log }: InjectorOptions): Express {
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');

  let lastAuthority: string | undefined;

  async function authorityNow(): Promise<string> {
    try {
      lastAuthority = await readAuthority(caFile);
      return lastAuthority;
    } catch (error) {
      if (lastAuthority === undefined) throw error;
      log.warn({}, `${(error as Error).message}; pods get the certificates that were read last`);
      return lastAuthority;
    }
  }

  async function review(request: Request, response: Response): Promise<void> {
    const { uid, operation, namespace, resource, object, dryRun } = parse(ReviewSchema, request.body).request;
    const answer = (more: object) =>
      response.json({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid, allowed: true, ...more },
      });
    if (operation !== 'CREATE' || resource.group !== '' || resource.resource !== 'pods') {
      answer({});
      return;
    }
    try {
      const { pod } = parse(z.object({ pod: PodSchema }), { pod: object });
      const { name, generateName } = pod.metadata;
      const patch = injection(pod, { url, audience, authority: await authorityNow() });
      if (patch.length > 0 && dryRun !== true) log.info({ namespace, pod: name ?? generateName }, 'injected a pod');
      answer(patch.length === 0 ? {} : encoded(patch));
    } catch (error) {
      const { message } = error as Error;
      log.warn({ namespace }, `a pod is created without the settings of the agent: ${message}`);
      answer({ warnings: ['fuseboard.dev/inject: the pod is created without it; see the log of the operator'] });
    }
  }

  app.post(INJECT_PATH, express.json({ limit: MAX_REVIEW_BYTES, type: 'application/json', inflate: false }), review);
  app.use(answerUnknown);
  app.use(answerProblems((error) => log.error({ err: error }, 'cannot answer an admission review')));
  return app;
}

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
