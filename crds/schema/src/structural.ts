import { z } from 'zod';

/** A JSON Schema node, as far as this module looks into it. */
export interface SchemaNode {
  type?: string;
  description?: string;
  enum?: unknown[];
  default?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  prefixItems?: SchemaNode[];
  additionalProperties?: boolean | SchemaNode;
  [extension: string]: unknown;
}

/**
 * Turns a zod schema into a structural schema (KEP-1979) that the API server accepts: no `additionalProperties: false`
 * (unknown fields are pruned or refused by the API server itself), no bounds that only say "a safe integer".
 */
export function structuralSchema(schema: z.ZodType): SchemaNode {
  return clean(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as SchemaNode);
}

/** The same schema for editors: JSON Schema draft 7, closed objects, without the extensions of Kubernetes. */
export function editorSchema(schema: z.ZodType): SchemaNode {
  const strip = (node: SchemaNode): SchemaNode => {
    const kept = Object.entries(mapChildren(node, strip)).filter(([key]) => !key.startsWith('x-kubernetes-'));
    return withoutSafeBounds(Object.fromEntries(kept));
  };
  return strip(z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as SchemaNode);
}

/** The schema of a message of the wire: JSON Schema draft 2020-12, with unknown fields allowed. */
export function messageSchema(schema: z.ZodType): SchemaNode {
  const strip = (node: SchemaNode): SchemaNode => withoutSafeBounds(mapChildren(node, strip));
  return strip(z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' }) as SchemaNode);
}

function clean(node: SchemaNode): SchemaNode {
  const { additionalProperties, ...rest } = withoutSafeBounds(mapChildren(node, clean));
  return typeof additionalProperties === 'object' ? { ...rest, additionalProperties } : rest;
}

function withoutSafeBounds(node: SchemaNode): SchemaNode {
  const { minimum, maximum, ...rest } = node;
  return {
    ...rest,
    ...(minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

function mapChildren(node: SchemaNode, f: (child: SchemaNode) => SchemaNode): SchemaNode {
  const { properties, items, additionalProperties } = node;
  return {
    ...node,
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(([k, v]) => [k, f(v)])) }),
    ...(items && { items: f(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: f(additionalProperties) }),
  };
}
