import { z } from 'zod';
import { OverrideSpecFields, OverrideStatusFields } from './override.ts';
import { PolicySpecFields } from './policy.ts';
import { PolicyStatusFields } from './status.ts';
import type { SchemaNode } from './structural.ts';
import { TRIP_CONDITIONS } from './trip-conditions.ts';
import * as wire from './wire.ts';

/** No comment is wider, in characters. */
const WIDTH = 120;

const ROOTS: Record<string, z.ZodType> = {
  PolicySpec: PolicySpecFields,
  PolicyStatus: PolicyStatusFields,
  OverrideSpec: OverrideSpecFields,
  OverrideStatus: OverrideStatusFields,
  Hello: wire.HelloSchema,
  Begin: wire.BeginSchema,
  PolicyEvent: wire.PolicyEventSchema,
  OverrideEvent: wire.OverrideEventSchema,
  Remove: wire.RemoveSchema,
  Routes: wire.RoutesSchema,
  Commit: wire.CommitSchema,
  InSync: wire.InSyncSchema,
  Heartbeat: wire.HeartbeatSchema,
  Goaway: wire.GoawaySchema,
  Totals: wire.TotalsSchema,
  BreakerReport: wire.BreakerReportSchema,
  Rejection: wire.RejectionSchema,
  Guarded: wire.GuardedSchema,
  Report: wire.ReportSchema,
  TripReason: z
    .enum(TRIP_CONDITIONS.map(({ reason }) => reason))
    .describe('Why a circuit opened: the condition of `trip` that held.'),
};

/** Plain TypeScript types of policy, override, status and wire messages, for code that does not load zod. */
export function declarations(): string {
  return Object.entries(ROOTS)
    .map(([name, schema]) => {
      const node = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' }) as SchemaNode;
      const body = print(node, '');
      return body.startsWith('{')
        ? `${doc(node, '')}export interface ${name} ${body}\n`
        : `${doc(node, '')}export type ${name} = ${body};\n`;
    })
    .join('\n');
}

function print(node: SchemaNode, indent: string): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum) return node.enum.map((value) => `'${String(value)}'`).join(' | ');
  if (node.prefixItems) return `[${node.prefixItems.map((item) => print(item, indent)).join(', ')}]`;
  switch (node.type) {
    case 'string':
    case 'boolean':
      return node.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array': {
      const item = print(node.items ?? {}, indent);
      return `${item.includes('|') ? `(${item})` : item}[]`;
    }
    case 'object': {
      if (!node.properties) return `Record<string, ${print((node.additionalProperties as SchemaNode) ?? {}, indent)}>`;
      const inner = `${indent}  `;
      const fields = Object.entries(node.properties).map(([name, child]) => {
        const optional = node.required?.includes(name) ? '' : '?';
        return `${doc(child, inner)}${inner}${name}${optional}: ${print(child, inner)};\n`;
      });
      return `{\n${fields.join('')}${indent}}`;
    }
    default:
      return 'unknown';
  }
}

function doc({ description }: SchemaNode, indent: string): string {
  if (!description) return '';
  const line = `${indent}/** ${description} */\n`;
  return line.length <= WIDTH + 1 ? line : `${indent}/**\n${wrapped(description, `${indent} * `)}${indent} */\n`;
}

function wrapped(text: string, prefix: string): string {
  const lines: string[] = [];
  let line = prefix.trimEnd();
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = prefix.trimEnd();
    }
    line += ` ${word}`;
  }
  return [...lines, line, ''].join('\n');
}
