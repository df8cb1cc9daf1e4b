import { z } from 'zod';
import { port } from './whole-number.ts';

/** How the operator injects pods. */
export interface Injection {
  readonly port: number;
  /** The address that agents of injected pods connect to. */
  readonly url: string;
  /** The authority that they are to trust. */
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

/** How pods are injected; nothing where they are not, and a sentence where the flags do not fit together. */
export function readInjection(f: Flags): Injection | undefined | string {
  const { webhookPort: port, webhookAgentsUrl: url, webhookCaFile: caFile } = f;
  if (port === undefined) {
    const given = url !== undefined ? '--webhook-agents-url' : caFile !== undefined ? '--webhook-ca-file' : undefined;
    return given && `${given} is for the webhook that injects pods; give --webhook-port too, or leave it out`;
  }
  if (f.policies !== undefined)
    return '--webhook-port: pods are those of a cluster, and --policies has none; leave one out';
  if (f.tlsCertFile === undefined) {
    return '--webhook-port needs --tls-cert-file and --tls-key-file: the API server asks over TLS only';
  }
  if (url === undefined) return '--webhook-port needs --webhook-agents-url, the address that agents connect to';
  if (caFile === undefined) return '--webhook-port needs --webhook-ca-file, the authority that pods are told to trust';
  return { port, url, caFile };
}
