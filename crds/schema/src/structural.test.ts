import { describe, expect, it } from '@jest/globals';
import { policyCrd } from './crd.ts';
import type { SchemaNode } from './structural.ts';

const schema = policyCrd().spec.versions[0]!.schema.openAPIV3Schema as SchemaNode;

function* nodes(node: SchemaNode, path = ''): Generator<[string, SchemaNode]> {
  yield [path, node];
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* nodes(child, `${path}.${name}`);
  if (node.items) yield* nodes(node.items, `${path}[]`);
  if (typeof node.additionalProperties === 'object') yield* nodes(node.additionalProperties, `${path}{}`);
}

describe('the schema of the resource', () => {
  it('is structural: one type at each level, nothing closed, no union, no reference', () => {
    for (const [path, node] of nodes(schema)) {
      const typed = node['x-kubernetes-preserve-unknown-fields'] === true ? 'undefined' : 'string';
      expect([path, typeof node.type]).toEqual([path, typed]);
      for (const keyword of ['oneOf', 'anyOf', 'allOf', 'not', '$ref', '$schema', 'const'])
        expect([path, node[keyword]]).toEqual([path, undefined]);
      expect(node.additionalProperties).not.toBe(false);
    }
  });

  it('writes defaults for mode, onUpdate and a status that nobody wrote only', () => {
    const defaults = [...nodes(schema)].filter(([, node]) => node.default !== undefined).map(([path]) => path);
    expect(defaults).toEqual(['.spec.mode', '.spec.onUpdate', '.status']);
  });

  it('describes every field of spec and status', () => {
    const silent = [...nodes(schema)].filter(
      ([path, node]) => /^\.(spec|status)/.test(path) && !/(\[\]|\{\})$/.test(path) && !node.description,
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('bounds every list, text and map, so that the cost of its rules is bounded', () => {
    for (const [path, node] of nodes(schema)) {
      if (!path.startsWith('.spec')) continue;
      if (node.type === 'array') expect([path, node.maxItems]).toEqual([path, expect.any(Number)]);
      if (node.type === 'string' && !node.enum) expect([path, node.maxLength]).toEqual([path, expect.any(Number)]);
      if (node.additionalProperties) expect([path, node.maxProperties]).toEqual([path, expect.any(Number)]);
    }
  });
});
