import type { NextFunction, Request, Response } from 'express';
import { Refusal } from '../problem.ts';

/** Names that lead to this machine wherever they are asked. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Refuses requests that were sent to another name than this machine's. Where everybody on the machine is let in, a web page
 * could otherwise let a name of its own lead here, and act in the browser of whoever looks at it.
 */
export function ownHost(request: Request, _response: Response, next: NextFunction): void {
  const host = request.get('host') ?? '';
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK.has(name)) {
    throw new Refusal(421, `host: "${name}" is not this machine; ask for localhost or 127.0.0.1`);
  }
  next();
}
