import type { NextFunction, Request, Response } from 'express';
import type { Access, Deed, Person } from '../../core/access.ts';
import { Denial } from '../../core/authenticator.ts';
import { Refusal } from '../problem.ts';

/** Lets a request pass when its sender may do what it asks for; `whoSent` tells the sender afterwards. */
export function guard(access: Access, deed: (request: Request) => Deed) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    try {
      const person = await access.person(request.get('authorization'));
      await access.check(person, deed(request));
      response.locals.person = person;
    } catch (error) {
      if (error instanceof Denial) throw new Refusal(error.status, error.message);
      throw error;
    }
    next();
  };
}

/** Who sent a request that passed the guard. */
export const whoSent = (response: Response) => response.locals.person as Person;

/** To see policies and what became of them, in the namespace of the query or path or else in all. */
export const seeing = (request: Request): Deed => {
  const namespace = request.params.namespace ?? request.query.namespace;
  const verb = request.params.name === undefined ? 'list' : 'get';
  return { verb, resource: 'circuitbreakerpolicies', ...(typeof namespace === 'string' && { namespace }) };
};
