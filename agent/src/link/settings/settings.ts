import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDuration } from '@fuseboard/schema/duration';
import { checkOptions, type Fields } from '../../errors/options.ts';
import type { EnvironmentVariables, StartOptions } from './start-options.ts';

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
  /** Invalid settings, in words. */
  readonly problems: readonly string[];
}

/**
 * The mount paths of the chart in a pod.
 *
 * @internal
 */
export interface Mounts {
  /** Folder with `token`, `ca.crt` and `url`. */
  readonly operator: string;
  /** Folder with `namespace`. */
  readonly account: string;
  readonly cache: string;
}

const DURATION: Fields[string] = [
  'a duration such as 500ms or 2m, from 1ms to 24h',
  (value) => parseDuration(value) !== undefined,
];
const GUARD: Fields = { maxOpenDuration: DURATION, minTimeout: DURATION, neverForceOpen: 'boolean' };

/** @internal */
const POD_MOUNTS: Mounts = {
  operator: '/var/run/secrets/fuseboard.dev',
  account: '/var/run/secrets/kubernetes.io/serviceaccount',
  cache: '/var/cache/fuseboard.dev',
};

/**
 * Resolves options, environment and mounts, in this order. Never throws: an invalid setting is ignored, and becomes a
 * problem.
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
  const policies = options.policies ?? (env.FUSEBOARD_POLICIES_FILE || env.FUSEBOARD_POLICIES);
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

/**
 * Checks a guard, because a limit that is misspelt would not hold.
 *
 * @throws {TypeError} for a field that does not exist, and for a value that cannot be used.
 * @internal
 */
export function checkGuard(guard: NonNullable<StartOptions['guard']>): void {
  checkOptions('guard', guard, GUARD);
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

/** The name in the package.json of the program, or of its working directory. */
function packageName(): string {
  for (let folder = dirname(process.argv[1] ?? join(process.cwd(), '.')); ; folder = dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
      if (typeof name === 'string' && name !== '') return name;
    } catch {
      // A folder without a readable package.json is skipped.
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
