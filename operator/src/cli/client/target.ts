import type { OverrideSpec, OverrideStatus, PolicyStatus } from '@fuseboard/schema';
import type { Policy } from '../../core/policy/policy.ts';
import type { Revision } from '../../ports/history.ts';
import type { AdminClient, Replica } from './admin.ts';

/** A policy as the command line shows it. */
export interface StoredPolicy extends Policy {
  /** Empty while nothing was written. */
  readonly status: PolicyStatus;
}

/** An override as the command line shows it. */
export interface StoredOverride {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Absent: not known. */
  readonly createdBy?: string;
  readonly spec: OverrideSpec;
  readonly status: OverrideStatus;
}

/** What the command line talks to: a cluster's API server, or an operator without a cluster. */
export interface Target {
  /** Where it is, for messages: `cluster "shop"` or `the operator at http://127.0.0.1:8702`. */
  readonly name: string;
  /** The namespace that is meant when none is named. */
  readonly namespace: string;
  /** Absent namespace: all of them. */
  policies(namespace: string | undefined): Promise<StoredPolicy[]>;
  /** Absent: there is none of that name. */
  policy(namespace: string, name: string): Promise<StoredPolicy | undefined>;
  /** What a policy was, the newest first. */
  history(policy: StoredPolicy): Promise<Revision[]>;
  /** Gives a policy the spec of one of its revisions, with the rights of the person who asks. */
  rollback(policy: StoredPolicy, revision: Revision): Promise<void>;
  /** Absent namespace: all of them. */
  overrides(namespace: string | undefined): Promise<StoredOverride[]>;
  /** Makes an override with the rights of the person who asks. */
  override(namespace: string, spec: OverrideSpec): Promise<StoredOverride>;
  /** Ends an override at once, by removing it. Returns false when there is none of that name. */
  endOverride(namespace: string, name: string): Promise<boolean>;
  /** The admin API of one replica of the operator; the connection is opened when it is first asked for. */
  operator(): Promise<AdminClient>;
  /**
   * All replicas of the operator that are known now, at least one. Each knows its own agents, so what is said of agents
   * and breakers is asked of all of them: see `askReplicas`.
   */
  replicas(): Promise<readonly Replica[]>;
  /** Why a replica that another one knows of is not among `replicas`, and what to do. */
  readonly unlistedReason: string;
  /** Ends the connections that were opened. */
  close(): Promise<void>;
}

/** What the flags say about the target. */
export interface TargetFlags {
  /** The URL of an operator's admin API; those of several replicas are separated by commas. */
  readonly server?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Where the operator of the cluster runs. Absent: wherever its pods are found. */
  readonly operatorNamespace?: string;
}

/**
 * Opens what the flags mean; nothing is sent yet. Throws a UsageError that says what to give when they mean nothing.
 */
export type Reach = (flags: TargetFlags) => Target | Promise<Target>;
