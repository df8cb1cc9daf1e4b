/** A person or a program that uses the admin API, as far as it was proved. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** What else the cluster knows of who it is; some authorizers ask for it. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The attributes of a request, in the terms of Kubernetes authorization. */
export interface ResourceAttributes {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'delete';
  readonly resource: 'circuitbreakerpolicies' | 'circuitbreakeroverrides';
  /** Absent: in all namespaces. */
  readonly namespace?: string;
  /** Absent: no single object. */
  readonly name?: string;
}

/** Authenticates and authorizes users of the admin API. */
export interface Access {
  readonly method: 'none' | 'review';
  /**
   * Who sent a request with this `Authorization` header.
   *
   * @throws {AuthError}
   */
  user(authorization: string | undefined): Promise<UserInfo>;
  /**
   * Returns when the person may do this.
   *
   * @throws {AuthError} saying what is not allowed.
   */
  check(user: UserInfo, attributes: ResourceAttributes): Promise<void>;
}
