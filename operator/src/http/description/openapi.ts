import { z } from 'zod';
import { VERSION } from '../../version.ts';
import type { Endpoint, Port, ResponseDescription } from './endpoint.ts';

type Json = { readonly [name: string]: unknown };

const REFERENCE = '#/components/schemas/';

/** Responses of the server itself, before any route runs. */
const EVERYWHERE: Readonly<Record<number, ResponseDescription>> = {
  431: { description: 'Address and headers together are longer than 16 KiB.' },
};

/** Builds an OpenAPI 3.1 description of ports from the schemas that validate their requests. */
export function openapi(ports: readonly Port[]): Json {
  const schemas: Record<string, unknown> = {};
  const schema = (type: z.ZodType, io: 'input' | 'output'): Json => {
    const { $schema: _, $defs, ...made } = z.toJSONSchema(type, { io, unrepresentable: 'any' });
    const text = JSON.stringify(made).replaceAll('#/$defs/', REFERENCE);
    for (const [name, { id: _id, ...definition }] of Object.entries(($defs ?? {}) as Record<string, Json>)) {
      schemas[name] = JSON.parse(JSON.stringify(definition).replaceAll('#/$defs/', REFERENCE));
    }
    const { id, ...rest } = JSON.parse(text) as Json;
    if (typeof id !== 'string') return rest;
    schemas[id] = rest;
    return { $ref: `${REFERENCE}${id}` };
  };

  const parameters = ({ params, query, headers }: Endpoint): Json[] =>
    Object.entries({ path: params, query, header: headers }).flatMap(([where, object]) =>
      Object.entries(object?.shape ?? {}).map(([name, type]) => {
        const { description, ...rest } = schema(type as z.ZodType, 'input');
        const required = where === 'path' || !z.safeParse(type as z.ZodType, undefined).success;
        return { name, in: where, required, ...(description !== undefined && { description }), schema: rest };
      }),
    );

  const answer = ({
    description,
    schema: type,
    type: media = 'application/json',
    headers,
  }: ResponseDescription): Json => ({
    description,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, header]) => {
          const required = !z.safeParse(header, undefined).success;
          return [name, { required, schema: schema(header, 'output') }];
        }),
      ),
    }),
    ...(type && { content: { [media]: { schema: schema(type, 'output') } } }),
  });

  const operation = (port: Port, endpoint: Endpoint): Json => ({
    operationId: operationId(endpoint),
    tags: [port.name],
    summary: endpoint.summary,
    ...(port.token !== undefined && { security: [{}, { token: [] }] }),
    ...(parameters(endpoint).length > 0 && { parameters: parameters(endpoint) }),
    ...(endpoint.body && {
      requestBody: { required: true, content: { 'application/json': { schema: schema(endpoint.body, 'input') } } },
    }),
    responses: Object.fromEntries(
      Object.entries({ ...endpoint.answers, ...EVERYWHERE }).map(([status, one]) => [status, answer(one)]),
    ),
  });

  const paths: Record<string, Record<string, unknown>> = {};
  for (const port of ports) {
    for (const endpoint of port.endpoints) {
      const path = endpoint.path.replace(/:(\w+)/g, '{$1}');
      paths[path] ??= { servers: port.servers.map((url) => ({ url })) };
      paths[path][endpoint.method] = operation(port, endpoint);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Fuseboard operator',
      version: VERSION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'What the operator answers, on three ports. The stream and the reports are told in docs/protocol.md.',
    },
    tags: ports.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: ports.flatMap(({ token }) => token ?? []).join(' ') },
      },
    },
  };
}

/** The operation id, such as `getPoliciesByNamespaceAndName` for `GET /v1/policies/:namespace/:name`. */
function operationId({ method, path }: Endpoint): string {
  const steps = path.split(/[/.]/).filter((step) => step !== '' && step !== 'v1');
  const [names, variables] = [steps.filter((s) => !s.startsWith(':')), steps.filter((s) => s.startsWith(':'))];
  const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1);
  const by = variables.map((step) => capital(step.slice(1))).join('And');
  return `${method}${names.map(capital).join('')}${by === '' ? '' : `By${by}`}`;
}
