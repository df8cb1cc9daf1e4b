import { z } from 'zod';
import { OVERRIDE_KIND, OverrideSpecFields, OverrideStatusFields } from './override.ts';
import { GROUP, KIND, PolicySpecFields, VERSION } from './policy.ts';
import { PolicyStatusFields } from './status.ts';
import { editorSchema, type SchemaNode, structuralSchema } from './structural.ts';

/** JSON Schema of the whole resource, for editors. */
export const policyEditorSchema = () => editor(KIND, PolicySpecFields);
export const overrideEditorSchema = () => editor(OVERRIDE_KIND, OverrideSpecFields);

function editor(kind: string, spec: z.ZodType): SchemaNode {
  const resource = z
    .object({
      apiVersion: z.literal(`${GROUP}/${VERSION}`),
      kind: z.literal(kind),
      metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
      spec,
      status: z.looseObject({}).optional(),
    })
    .describe(`A Fuseboard ${kind}.`);
  return editorSchema(resource);
}

/** The reference of every field, as Markdown. */
export function reference(): string {
  return [
    ...resource(KIND, 'cbp', PolicySpecFields, PolicyStatusFields),
    ...resource(OVERRIDE_KIND, 'cbo', OverrideSpecFields, OverrideStatusFields),
  ].join('\n');
}

const resource = (kind: string, shortName: string, spec: z.ZodType, status: z.ZodType) => [
  `# ${kind}`,
  '',
  `\`apiVersion: ${GROUP}/${VERSION}\`, namespaced, short name \`${shortName}\`. Fields in **bold** are required where their parent is present.`,
  '',
  part('spec', structuralSchema(spec)),
  part('status', structuralSchema(status)),
];

const part = (name: string, schema: SchemaNode) =>
  [
    `## ${name}`,
    '',
    schema.description ?? '',
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...rows(name, schema),
    '',
  ].join('\n');

function rows(path: string, node: SchemaNode): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const here = `${path}.${name}`;
    const required = node.required?.includes(name) && child.default === undefined;
    const rules = (child['x-kubernetes-validations'] as { message: string }[] | undefined) ?? [];
    const notes = rules.map(({ message }) => message).filter((message) => !message.startsWith('must lie'));
    const meaning = [child.description ?? '', ...notes.map((message) => `Rule: ${message}.`)].join(' ');
    const row = `| ${required ? `**\`${here}\`**` : `\`${here}\``} | ${typeName(child)} | ${meaning.replaceAll('|', '\\|')} |`;
    const below =
      child.type === 'array' && child.items?.type === 'object' ? rows(`${here}[]`, child.items) : rows(here, child);
    return [row, ...below];
  });
}

function typeName(node: SchemaNode): string {
  if (node.enum) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.type === 'array') return `list of ${node.items?.type === 'object' ? 'objects' : `${node.items?.type}s`}`;
  if (node.type === 'integer') {
    const { minimum, maximum } = node;
    return `integer${minimum === undefined ? '' : ` from ${minimum}`}${maximum === undefined ? '' : ` to ${maximum}`}`;
  }
  if (node.type === 'object' && typeof node.additionalProperties === 'object') return 'map of strings';
  return node.type ?? 'any';
}
