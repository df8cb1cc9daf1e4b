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

/** Sets these headers, on refusals too if it is installed first. Responses of the API are not cached. */
export function warnBrowsers(request: Request, response: Response, next: NextFunction): void {
  response.set(HEADERS);
  if (request.path.startsWith('/v1/')) response.set('cache-control', 'no-store');
  next();
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface BrowserOptions {
  /** Whether everybody who reaches the server may use it. */
  readonly open: boolean;
}

/**
 * Keeps other web pages out of what a person's browser may reach. Nothing here asks who somebody is.
 *
 * Without tokens only names of this machine are answered: a page of elsewhere that had its own name point to 127.0.0.1
 * (DNS rebinding) still sends that name. A change must come from our own page or from no page at all, and be JSON,
 * which another page cannot send without being asked for leave first, and none is given.
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

/** The host and port of a URL as a browser writes it; absent for `null` and whatever is no URL. */
function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
