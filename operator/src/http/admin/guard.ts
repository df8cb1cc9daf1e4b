import type { NextFunction, Request, Response } from 'express';
import type { Access, Deed, Person } from '../../ports/access.ts';
import { Denial } from '../../ports/authenticator.ts';
import { Refusal } from '../../ports/problem.ts';
import type { Audit } from '../audit.ts';

/** When to come again after a right could not be looked at. */
const LATER_MS = 2_000;

/** Lets a request pass when its sender may do what it asks for; `whoSent` tells the sender afterwards. */
export function guard(access: Access, deed: (request: Request) => Deed) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const person = await access.person(request.get('authorization'));
    response.locals.person = person;
    await access.check(person, deed(request));
    next();
  };
}

/**
 * Whether the sender of a request that passed the guard may still do this. A refusal is noted; as long as nobody can say, nothing
 * is taken away.
 */
export async function stillMay(
  access: Access,
  audit: Audit,
  request: Request,
  deed: (request: Request) => Deed,
): Promise<boolean> {
  let name: string | undefined;
  try {
    const person = await access.person(request.get('authorization'));
    name = person.name;
    await access.check(person, deed(request));
    return true;
  } catch (error) {
    if (!(error instanceof Denial) || error.status === 503) return true;
    note(audit, error, request, name);
    return false;
  }
}

/** Who sent a request that passed the guard. */
export const whoSent = (response: Response) => response.locals.person as Person;

/** To see policies and what became of them, in the namespace of the query or path or else in all. */
export const seeing = (request: Request): Deed => {
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

/** Answers those whom a guard stopped, and notes them. */
export function answerDenied(audit: Audit) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (!(error instanceof Denial)) {
      next(error);
      return;
    }
    note(audit, error, request, (response.locals.person as Person | undefined)?.name);
    if (error.status === 401) response.set('www-authenticate', 'Bearer realm="fuseboard"');
    next(new Refusal(error.status, error.message, error.status === 503 ? LATER_MS : undefined));
  };
}

function note(audit: Audit, denial: Denial, request: Request, person: string | undefined): void {
  const claims = person === undefined ? {} : { person };
  audit.refused(denial, { from: request.socket.remoteAddress, what: `${request.method} ${request.path}`, claims });
}
