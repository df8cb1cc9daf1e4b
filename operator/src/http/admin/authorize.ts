import type { NextFunction, Request, Response } from 'express';
import type { Access, ResourceAttributes, UserInfo } from '../../ports/access.ts';
import { AuthError } from '../../ports/authenticator.ts';
import { Problem } from '../../ports/problem.ts';
import type { Audit } from '../audit.ts';
import { peerAddress } from '../peer-address.ts';

/** Retry-After when a permission could not be checked. */
const LATER_MS = 2_000;

/** Admits a request when its sender has the required permission; `senderOf` then returns the sender. */
export function authorize(access: Access, attributes: (request: Request) => ResourceAttributes) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const user = await access.user(request.get('authorization'));
    response.locals.user = user;
    await access.check(user, attributes(request));
    next();
  };
}

/**
 * Whether the sender of a request that was authorized still has the permission. A refusal is recorded in the audit
 * log; while the permission cannot be checked, the sender keeps it.
 */
export async function isStillAllowed(
  access: Access,
  audit: Audit,
  request: Request,
  attributes: (request: Request) => ResourceAttributes,
): Promise<boolean> {
  let name: string | undefined;
  try {
    const user = await access.user(request.get('authorization'));
    name = user.name;
    await access.check(user, attributes(request));
    return true;
  } catch (error) {
    if (!(error instanceof AuthError) || error.status === 503) return true;
    auditDenied(audit, error, request, name);
    return false;
  }
}

/** The sender of a request that was authorized. */
export const senderOf = (response: Response) => response.locals.user as UserInfo;

/** The permission to read policies and their status, in the namespace of the query or path, or in all namespaces. */
export const readAttributes = (request: Request): ResourceAttributes => {
  const namespace = request.params.namespace ?? request.query.namespace;
  const { name } = request.params;
  const verb = name === undefined ? 'list' : 'get';
  return {
    verb,
    resource: 'circuitbreakerpolicies',
    ...(typeof namespace === 'string' && { namespace }),
    ...(typeof name === 'string' && { name }),
  };
};

/** The permission to edit the policy of the path. */
export const editAttributes = (request: Request): ResourceAttributes => ({
  ...readAttributes(request),
  verb: 'update',
});

/** Answers requests that were not authorized, and records them in the audit log. */
export function answerDenied(audit: Audit) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (!(error instanceof AuthError)) {
      next(error);
      return;
    }
    auditDenied(audit, error, request, (response.locals.user as UserInfo | undefined)?.name);
    if (error.status === 401) response.set('www-authenticate', 'Bearer realm="fuseboard"');
    next(new Problem(error.status, error.message, error.status === 503 ? LATER_MS : undefined));
  };
}

function auditDenied(audit: Audit, authError: AuthError, request: Request, user: string | undefined): void {
  const claims = user === undefined ? {} : { person: user };
  audit.refused(authError, { from: peerAddress(request.socket), what: `${request.method} ${request.path}`, claims });
}
