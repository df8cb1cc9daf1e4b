import type { RequestOptions } from 'node:https';
import type { KubeConfig, User } from '@kubernetes/client-node';

/** A user with `as-groups` of a kubeconfig, which client-node does not read. */
export interface ActingUser extends User {
  readonly impersonateGroups?: readonly string[];
}

interface Plugin {
  readonly command?: string;
  readonly installHint?: string;
}

/**
 * Adds the credentials, certificates and proxy of a kubeconfig to a request. A credential plugin runs only when the
 * cached credential has expired.
 *
 * @throws when a credential plugin returns no credential; the message names the plugin.
 */
export async function applyCredentials(config: KubeConfig, request: RequestOptions): Promise<void> {
  const user = config.getCurrentUser() as ActingUser | null;
  const plugin = user?.exec as Plugin | undefined;
  try {
    await config.applyToHTTPSOptions(request);
  } catch (error) {
    if (plugin === undefined) throw error;
    throw new Error(`credential plugin "${plugin.command}" ${reason(error as NodeJS.ErrnoException, plugin)}`);
  }
  const headers = (request.headers ?? {}) as Record<string, unknown>;
  // A token file usually ends with a line break, which a header must not contain.
  if (typeof headers.Authorization === 'string') headers.Authorization = headers.Authorization.trim();
  if (user?.impersonateGroups)
    request.headers = { ...request.headers, 'Impersonate-Group': [...user.impersonateGroups] };
}

function reason({ code, name, message }: NodeJS.ErrnoException, { installHint }: Plugin): string {
  if (code === 'ENOENT') return `was not found; ${installHint?.trim() || 'install it, or name its path'}`;
  if (name === 'SyntaxError') return `printed no JSON: ${message.trim()}`;
  // client-node reads the credential from the plugin's output without checking its shape.
  if (name === 'TypeError') return 'printed no credential: an ExecCredential with a status is needed';
  return `failed: ${message.trim() || 'it said nothing'}`;
}
