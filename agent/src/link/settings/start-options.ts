import type { Guard } from '../../core/config/guard.ts';

/** Options of `start`. Absent ones come from the environment, then from the files that the chart mounts into a pod. */
export interface StartOptions {
  /**
   * Address of the operator, such as `https://fuseboard.fuseboard-system:8443`. Absent: FUSEBOARD_URL, the mounted
   * `url`; without either there is no link.
   */
  url?: string;
  /** The name of this service. Absent: FUSEBOARD_SERVICE, OTEL_SERVICE_NAME, the name in package.json. */
  service?: string;
  /**
   * Labels for selectors, used only when the operator does not authenticate agents. Absent: FUSEBOARD_LABELS
   * (`k=v,k2=v2`).
   */
  labels?: Readonly<Record<string, string>>;
  /**
   * The namespace, used only when the operator does not authenticate agents. Absent: FUSEBOARD_NAMESPACE, that of the
   * pod.
   */
  namespace?: string;
  /** File with a bearer token, read at each connect. Absent: FUSEBOARD_TOKEN_FILE, the mounted token. */
  tokenFile?: string;
  /**
   * File with the certificate authority of the operator. Absent: FUSEBOARD_CA_FILE, the mounted file, the authorities
   * of Node.
   */
  caFile?: string;
  /**
   * Folder for the last good policies. Absent: FUSEBOARD_CACHE_DIR, the mounted cache; without either no policies are
   * kept.
   */
  cacheDir?: string;
  /**
   * File of policies that apply until the agent first reaches the operator, JSON as `kubectl get cbp -o json` prints.
   * Absent: FUSEBOARD_POLICIES_FILE, FUSEBOARD_POLICIES.
   */
  policies?: string;
  /**
   * Limits that no policy and no override passes in this process. They stay after `stop`, until the next `start`.
   * Absent: none.
   */
  guard?: Guard;
  /** Receives warnings about the link. Absent: `process.emitWarning`. */
  warn?: (message: string) => void;
}

/** @internal */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;
