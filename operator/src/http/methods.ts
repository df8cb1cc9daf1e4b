import type { NextFunction, Request, Response } from 'express';
import { Problem } from '../ports/problem.ts';
import type { Endpoint } from './description/endpoint.ts';

/** Answers 405 when the path exists, but not with this method. */
export function refuseOtherMethods(endpoints: readonly Endpoint[]) {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of endpoints) {
    const allowed = methods.get(path) ?? new Set(['OPTIONS']);
    allowed.add(method.toUpperCase());
    if (method === 'get') allowed.add('HEAD');
    methods.set(path, allowed);
  }
  const known = [...methods].map(([path, allowed]) => ({ pattern: patternOf(path), allowed }));

  return (request: Request, response: Response, next: NextFunction): void => {
    const found = known.find(({ pattern }) => pattern.test(request.path));
    if (found && !found.allowed.has(request.method)) {
      const allow = [...found.allowed].sort().join(', ');
      response.set('allow', allow);
      throw new Problem(405, `${request.path} does not support ${request.method}; allowed: ${allow}`);
    }
    next();
  };
}

/** Matches a path like Express: case-insensitive, with an optional trailing slash. */
const patternOf = (path: string) =>
  new RegExp(`^${path.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}/?$`, 'i');
