import type { OverrideSpec, OverrideStatus, PolicyStatus } from '@fuseboard/schema';
import type { Policy } from '../../core/policy/policy.ts';
import type { Revision } from '../../ports/history.ts';
import type { AdminClient, Replica } from './admin.ts';

/** Selects the operator's pods and its webhook, which the chart labels so whatever `nameOverride` says. */
export const OPERATOR_LABELS = 'fuseboard.dev/component=operator';

/** A policy in the output of the command line. */
export interface StoredPolicy extends Policy {
  /** The status; empty while none is written. */
  readonly status: PolicyStatus;
}

/** An override in the output of the command line. */
export interface StoredOverride {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The creator; absent when not known. */
  readonly createdBy?: string;
  readonly spec: OverrideSpec;
  readonly status: OverrideStatus;
}

/** The target of a command: the API server of a cluster, or an operator without a cluster. */
export interface Target {
  /** Name for messages: `cluster "shop"` or `the operator at http://127.0.0.1:8702`. */
  readonly name: string;
  /** The default namespace. */
  readonly namespace: string;
  /** Lists the policies of a namespace, or of all namespaces when it is absent. */
  policies(namespace: string | undefined): Promise<StoredPolicy[]>;
  /** Resolves to undefined when the policy does not exist. */
  policy(namespace: string, name: string): Promise<StoredPolicy | undefined>;
  /** Lists the revisions of a policy, the newest first. */
  history(policy: StoredPolicy): Promise<Revision[]>;
  /** Replaces the spec of a policy with that of a revision, with the permissions of the user. */
  rollback(policy: StoredPolicy, revision: Revision): Promise<void>;
  /** Lists the overrides of a namespace, or of all namespaces when it is absent. */
  overrides(namespace: string | undefined): Promise<StoredOverride[]>;
  /** Creates an override with the permissions of the user. */
  override(namespace: string, spec: OverrideSpec): Promise<StoredOverride>;
  /** Ends an override at once by deleting it. Returns false when it does not exist. */
  endOverride(namespace: string, name: string): Promise<boolean>;
  /** The admin API of one replica of the operator. The connection is opened with the first request. */
  operator(): Promise<AdminClient>;
  /**
   * All known replicas of the operator, at least one. Each replica knows only its own agents, so questions about agents
   * and breakers go to all of them: see `askReplicas`.
   */
  replicas(): Promise<readonly Replica[]>;
  /** Why a replica known to another one is not in `replicas`, and the fix. */
  readonly unlistedReason: string;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** The flags that select the target. */
export interface TargetFlags {
  /** The URL of an operator's admin API, or the URLs of several replicas, separated by commas. */
  readonly server?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** The namespace of the cluster's operator; absent: any namespace with its pods. */
  readonly operatorNamespace?: string;
}

/**
 * Opens the target of the flags, without sending a request. Throws a UsageError with the missing flag when the flags
 * select no target.
 */
export type Reach = (flags: TargetFlags) => Target | Promise<Target>;
