import type { z } from 'zod';
import { CREATED_BY, OVERRIDE_KIND, OVERRIDE_PLURAL, OverrideSpecFields, OverrideStatusFields } from './override.ts';
import { GROUP, KIND, PLURAL, PolicySpecFields, VERSION } from './policy.ts';
import { PolicyStatusFields, UNREAD } from './status.ts';
import { structuralSchema } from './structural.ts';

const column = (name: string, type: string, jsonPath: string, description: string, priority = 0) => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly columns: readonly object[];
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
}

function crd({ kind, plural, shortName, columns, description, spec, status }: Definition) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['fuseboard'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: `The version of this schema: ${GROUP}/${VERSION}.` },
                kind: { type: 'string', description: `${kind}.` },
                metadata: { type: 'object' },
                spec: structuralSchema(spec),
                status: { ...structuralSchema(status), default: { conditions: [UNREAD] } },
              },
            },
          },
        },
      ],
    },
  };
}

const conditionStatus = (type: string) => `.status.conditions[?(@.type=="${type}")].status`;

/** The CustomResourceDefinition of CircuitBreakerPolicy, as an object. */
export const policyCrd = () =>
  crd({
    kind: KIND,
    plural: PLURAL,
    shortName: 'cbp',
    columns: [
      column('Breakers', 'string', '.spec.breakers', 'The breakers that the policy governs.'),
      column('Mode', 'string', '.spec.mode', 'Enforce, Shadow or Disabled.'),
      column('Accepted', 'string', conditionStatus('Accepted'), 'Whether the operator can use the spec.'),
      column('Programmed', 'string', conditionStatus('Programmed'), 'Whether every live agent has applied it.'),
      column(
        'Applied',
        'string',
        '.status.agents.summary',
        'Agents that run this generation, of those that received it.',
      ),
      column('Open', 'integer', '.status.breakers.open', 'Open breakers.'),
      column('Reason', 'string', '.status.conditions[?(@.type=="Ready")].reason', 'Why it is ready or not.', 1),
      column('Age', 'date', '.metadata.creationTimestamp', 'Time since the policy was created.'),
    ],
    description:
      'A CircuitBreakerPolicy says how circuit breakers of the given names behave in every process of its namespace that asks for them by getBreaker(name).',
    spec: PolicySpecFields,
    status: PolicyStatusFields,
  });

/** The CustomResourceDefinition of CircuitBreakerOverride, as an object. */
export const overrideCrd = () =>
  crd({
    kind: OVERRIDE_KIND,
    plural: OVERRIDE_PLURAL,
    shortName: 'cbo',
    columns: [
      column('Breakers', 'string', '.spec.breakers', 'The breakers that it acts on.'),
      column('Action', 'string', '.spec.action', 'ForceOpen, ForceClosed or Reset.'),
      column('Phase', 'string', '.status.phase', 'Active, Ended or Invalid.'),
      column('Applied', 'string', '.status.agents.summary', 'Agents that apply it, of those that it selects.'),
      column('Expires', 'string', '.status.expiresAt', 'When it ends or ended.'),
      column('Reason', 'string', '.spec.reason', 'Why.', 1),
      column('Age', 'date', '.metadata.creationTimestamp', 'Time since the override was created.'),
    ],
    description:
      'A CircuitBreakerOverride forces circuit breakers open or closed, or resets them, for a limited time, whatever their policies say, in every process of its namespace that asks for them by getBreaker(name). It ends by itself in each process.',
    spec: OverrideSpecFields,
    status: OverrideStatusFields,
  });

const CREATED = 'timestamp(object.metadata.creationTimestamp)';
const ENDS = 'timestamp(object.spec.expiresAt)';
const named = (object: string) =>
  `(has(${object}.metadata.annotations) && '${CREATED_BY}' in ${object}.metadata.annotations ? ${object}.metadata.annotations['${CREATED_BY}'] : '')`;
/** Operators act for a person and say for whom. */
const MAY_ATTRIBUTE = `authorizer.group('${GROUP}').resource('${OVERRIDE_PLURAL}').namespace(request.namespace).check('attribute').allowed()`;

/**
 * What the schema of an override cannot say, because it knows neither the time nor who asks: a
 * ValidatingAdmissionPolicy and its binding, as objects.
 */
export function overrideAdmission(): object[] {
  const name = `${OVERRIDE_PLURAL}.${GROUP}`;
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        // What is absent is filled in by the API server, and whoever applies this next would be in conflict with that.
        matchConstraints: {
          matchPolicy: 'Equivalent',
          namespaceSelector: {},
          objectSelector: {},
          resourceRules: [
            {
              apiGroups: [GROUP],
              apiVersions: [VERSION],
              operations: ['CREATE', 'UPDATE'],
              resources: [OVERRIDE_PLURAL],
              scope: '*',
            },
          ],
        },
        validations: [
          {
            expression: `request.operation != 'CREATE' || !has(object.spec.expiresAt) || ${ENDS} > ${CREATED}`,
            message: 'spec.expiresAt: lies in the past; an override must end later than it begins',
          },
          {
            expression: `request.operation != 'CREATE' || !has(object.spec.expiresAt) || ${ENDS} <= ${CREATED} + duration('24h')`,
            message: 'spec.expiresAt: lies more than 24h ahead; an override lasts at most 24h',
          },
          {
            expression: `request.operation == 'UPDATE' ? ${named('object')} == ${named('oldObject')} : ${named('object')} in ['', request.userInfo.username] || ${MAY_ATTRIBUTE}`,
            message: `metadata.annotations[${CREATED_BY}]: says who made the override and cannot be chosen; leave it out`,
          },
        ],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ];
}
