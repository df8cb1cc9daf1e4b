import { Router } from 'express';
import { openapi } from '../../description/openapi.ts';
import { PORTS } from '../../description/ports.ts';

/** The description of all that the operator answers; it is the same for everybody and tells nothing of anybody. */
export function descriptionRoutes(): Router {
  let description: object | undefined;
  return Router().get('/openapi.json', (_request, response) => {
    description ??= openapi(PORTS);
    response.json(description);
  });
}
