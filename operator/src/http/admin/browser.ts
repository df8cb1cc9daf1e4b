import type { NextFunction, Request, Response } from 'express';
import { Problem } from '../../ports/problem.ts';
import { isOwnName, quoted } from '../foreign-pages.ts';

/** Headers of every response: only own scripts, no framing, no content sniffing, no caching, no referrer. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Sets `HEADERS`. Installed first, it also covers error responses. Responses of the API are not cached. */
export function warnBrowsers(request: Request, response: Response, next: NextFunction): void {
  response.set(HEADERS);
  if (request.path.startsWith('/v1/')) response.set('cache-control', 'no-store');
  next();
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface BrowserOptions {
  /** Whether the server is usable without authentication. */
  readonly open: boolean;
}

/**
 * Protects the server from other web pages in a user's browser. This is not authentication.
 *
 * Without tokens, only requests to host names of the local machine are answered, because a foreign page whose own name
 * resolves to 127.0.0.1 (DNS rebinding) still sends that name. A change must come from the operator's own page or from
 * no page, and must be JSON. Another page cannot send JSON without a CORS preflight, which is never granted.
 */
export function protectBrowsers({ open }: BrowserOptions) {
  return (request: Request, _response: Response, next: NextFunction): void => {
    const host = request.get('host');
    if (open && !isOwnName(host)) {
      throw new Problem(
        403,
        `host: ${quoted(host)} is not a name of this machine; use localhost or 127.0.0.1, or serve with --admin-auth=review`,
      );
    }
    if (!READING.has(request.method)) refuseForeign(request, host);
    next();
  };
}

function refuseForeign(request: Request, host: string | undefined): void {
  const site = request.get('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new Problem(403, `sec-fetch-site: a change must come from the same site; this request is ${quoted(site)}`);
  }
  const origin = request.get('origin');
  if (origin !== undefined && hostOf(origin) !== host?.toLowerCase()) {
    throw new Problem(403, `origin: a change must not come from a page of ${quoted(origin)}`);
  }
  if (request.method !== 'DELETE' && !isJson(request.get('content-type'))) {
    throw new Problem(415, 'content-type: must be application/json');
  }
}

const isJson = (type: string | undefined) => /^application\/json\s*(;|$)/i.test(type ?? '');

/** The host and port of an Origin header; undefined for `null` and invalid URLs. */
function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
