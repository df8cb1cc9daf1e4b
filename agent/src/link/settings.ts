import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

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
   * Absent: FUSEBOARD_POLICIES.
   */
  policies?: string;
  /** Receives warnings about the link. Absent: `process.emitWarning`. */
  warn?: (message: string) => void;
}

/** @internal */
export interface Settings {
  readonly disabled: boolean;
  readonly url?: URL;
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly cacheDir?: string;
  readonly policies?: string;
  /** What was given and cannot be used. */
  readonly problems: readonly string[];
}

/** @internal */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/**
 * Where a pod finds what the chart mounts.
 *
 * @internal
 */
export interface Mounts {
  /** Holds `token`, `ca.crt` and `url`. */
  readonly operator: string;
  /** Holds `namespace`. */
  readonly account: string;
  readonly cache: string;
}

/** @internal */
export const POD_MOUNTS: Mounts = {
  operator: '/var/run/secrets/fuseboard.dev',
  account: '/var/run/secrets/kubernetes.io/serviceaccount',
  cache: '/var/cache/fuseboard.dev',
};

/**
 * Resolves options, environment and mounts, in this order. Never throws; what cannot be used is a problem and left out.
 *
 * @internal
 */
export function readSettings(options: StartOptions, env: EnvironmentVariables, mounts: Mounts = POD_MOUNTS): Settings {
  const problems: string[] = [];
  const mounted = (name: string) => existing(join(mounts.operator, name));
  const tokenFile = options.tokenFile ?? (env.FUSEBOARD_TOKEN_FILE || mounted('token'));
  const caFile = options.caFile ?? (env.FUSEBOARD_CA_FILE || mounted('ca.crt'));
  const namespace = options.namespace ?? (env.FUSEBOARD_NAMESPACE || contents(join(mounts.account, 'namespace')));
  const cacheDir = options.cacheDir ?? (env.FUSEBOARD_CACHE_DIR || existing(mounts.cache));
  const policies = options.policies ?? (env.FUSEBOARD_POLICIES || undefined);
  const url = readUrl(options.url ?? (env.FUSEBOARD_URL || contents(join(mounts.operator, 'url'))), problems);
  return {
    disabled: /^(1|true|yes|on)$/i.test(env.FUSEBOARD_DISABLED ?? ''),
    ...(url ? { url } : {}),
    service: (options.service ?? (env.FUSEBOARD_SERVICE || env.OTEL_SERVICE_NAME || packageName())).slice(0, 253),
    labels: options.labels ?? readLabels(env.FUSEBOARD_LABELS ?? '', problems),
    ...(namespace ? { namespace } : {}),
    ...(tokenFile ? { tokenFile } : {}),
    ...(caFile ? { caFile } : {}),
    ...(cacheDir ? { cacheDir } : {}),
    ...(policies ? { policies } : {}),
    problems,
  };
}

function readUrl(text: string | undefined, problems: string[]): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    problems.push(
      `FUSEBOARD_URL is ${JSON.stringify(text)}, not the address of an operator; set it to one such as http://127.0.0.1:8700`,
    );
    return undefined;
  }
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function readLabels(text: string, problems: string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of text.split(',').map((part) => part.trim())) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    if (at > 0) labels[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
    else problems.push(`FUSEBOARD_LABELS holds ${JSON.stringify(pair)}; write labels as key=value,key2=value2`);
  }
  return labels;
}

/** The name in the package.json of the program, or of the folder that it was started in. */
function packageName(): string {
  for (let folder = dirname(process.argv[1] ?? join(process.cwd(), '.')); ; folder = dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
      if (typeof name === 'string' && name !== '') return name;
    } catch {
      // A folder without a package.json that can be read is not the one that is looked for.
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}

const existing = (path: string) => (existsSync(path) ? path : undefined);

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
