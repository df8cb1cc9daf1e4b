import { Router } from 'express';
import { openapi } from '../../description/openapi.ts';
import { PORTS } from '../../description/ports.ts';

/** The description of the HTTP API. It is the same for every caller and contains no data. */
export function descriptionRoutes(): Router {
  let description: object | undefined;
  return Router().get('/openapi.json', (_request, response) => {
    description ??= openapi(PORTS);
    response.json(description);
  });
}
