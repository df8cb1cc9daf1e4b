import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';
import { Problem } from '../../../ports/problem.ts';
import { PACKAGE } from '../../../version.ts';
import type { AdminOptions } from '../options.ts';

/** The build folder of the page. */
const FOLDER = fileURLToPath(new URL('dist/web/', PACKAGE));

/** The page loads only from its own host, and runs no inline scripts or styles. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Serves the page. It contains no secret: the page requests all its data from the API like any other client. */
export function pageRoutes(_options: AdminOptions): Router {
  const files = express.static(FOLDER, {
    index: 'index.html',
    setHeaders(response, path) {
      const lasting = path.includes('/assets/');
      response.setHeader('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  return Router()
    .get('/', (_request, _response, next) => {
      if (!existsSync(`${FOLDER}index.html`))
        throw new Problem(404, 'the page is not built; run npm run build -w @fuseboard/page');
      next();
    })
    .use((_request, response, next) => {
      response.set({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      next();
    })
    .use(files);
}
