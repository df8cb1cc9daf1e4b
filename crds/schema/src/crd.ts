import { GROUP, KIND, PLURAL, PolicySpecFields, VERSION } from './policy.ts';
import { PolicyStatusFields } from './status.ts';
import { structuralSchema } from './structural.ts';

const column = (name: string, type: string, jsonPath: string, description: string, priority = 0) => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

/** The CustomResourceDefinition of CircuitBreakerPolicy, as an object. */
export function policyCrd() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: KIND.toLowerCase(),
        shortNames: ['cbp'],
        categories: ['fuseboard'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            column('Breakers', 'string', '.spec.breakers', 'The breakers that the policy governs.'),
            column('Mode', 'string', '.spec.mode', 'Enforce, Shadow or Disabled.'),
            column(
              'Accepted',
              'string',
              '.status.conditions[?(@.type=="Accepted")].status',
              'Whether the operator can use the spec.',
            ),
            column(
              'Programmed',
              'string',
              '.status.conditions[?(@.type=="Programmed")].status',
              'Whether every live agent has applied it.',
            ),
            column(
              'Applied',
              'string',
              '.status.agents.summary',
              'Agents that run this generation, of those that received it.',
            ),
            column('Open', 'integer', '.status.breakers.open', 'Open breakers.'),
            column('Age', 'date', '.metadata.creationTimestamp', 'Time since the policy was created.'),
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description:
                'A CircuitBreakerPolicy says how circuit breakers of the given names behave in every process of its namespace that asks for them by getBreaker(name).',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: 'The version of this schema: fuseboard.dev/v1alpha1.' },
                kind: { type: 'string', description: 'CircuitBreakerPolicy.' },
                metadata: { type: 'object' },
                spec: structuralSchema(PolicySpecFields),
                status: structuralSchema(PolicyStatusFields),
              },
            },
          },
        },
      ],
    },
  };
}
