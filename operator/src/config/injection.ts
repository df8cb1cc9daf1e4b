import { z } from 'zod';
import { UsageError } from './usage-error.ts';
import { port } from './whole-number.ts';

/** How the operator injects the agent's settings into pods. */
export interface Injection {
  readonly port: number;
  /** The address that agents of injected pods connect to. */
  readonly url: string;
  /** The file with the certificate authority that these agents trust. */
  readonly caFile: string;
}

/** The flags of the webhook that injects pods. */
export const InjectionFlags = {
  webhookPort: port().optional(),
  webhookAgentsUrl: z.url({ protocol: /^https$/, error: 'must be an https URL' }).optional(),
  webhookCaFile: z.string().min(1).optional(),
};

interface Flags {
  readonly webhookPort?: number | undefined;
  readonly webhookAgentsUrl?: string | undefined;
  readonly webhookCaFile?: string | undefined;
  readonly policies?: string | undefined;
  readonly tlsCertFile?: string | undefined;
}

/**
 * How pods are injected; undefined when they are not.
 *
 * @throws {UsageError} when the flags do not fit together.
 */
export function readInjection(f: Flags): Injection | undefined {
  const { webhookPort: port, webhookAgentsUrl: url, webhookCaFile: caFile } = f;
  if (port === undefined) {
    const given = url !== undefined ? '--webhook-agents-url' : caFile !== undefined ? '--webhook-ca-file' : undefined;
    if (given === undefined) return undefined;
    throw new UsageError(`${given} is for the webhook that injects pods; give --webhook-port too, or remove it`);
  }
  if (f.policies !== undefined) {
    throw new UsageError(
      '--webhook-port injects pods of a cluster, and --policies uses none; remove one of the two flags',
    );
  }
  if (f.tlsCertFile === undefined) {
    throw new UsageError(
      '--webhook-port needs --tls-cert-file and --tls-key-file: the API server calls webhooks by TLS only',
    );
  }
  if (url === undefined) {
    throw new UsageError('--webhook-port needs --webhook-agents-url, the address that agents connect to');
  }
  if (caFile === undefined) {
    throw new UsageError('--webhook-port needs --webhook-ca-file, the certificate authority for injected pods');
  }
  return { port, url, caFile };
}
