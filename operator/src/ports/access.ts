/** The authenticated user of a request to the admin API: a person or a program. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** Further attributes from the API server, which some authorizers need. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a request wants to do, in the terms of Kubernetes authorization. */
export interface ResourceAttributes {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'delete';
  readonly resource: 'circuitbreakerpolicies' | 'circuitbreakeroverrides';
  /** Absent: in all namespaces. */
  readonly namespace?: string;
  /** Absent: all objects. */
  readonly name?: string;
}

/** Authenticates and authorizes users of the admin API. */
export interface Access {
  readonly method: 'none' | 'review';
  /**
   * Authenticates the sender of a request by its `Authorization` header.
   *
   * @throws {AuthError} when the user is not authenticated.
   */
  user(authorization: string | undefined): Promise<UserInfo>;
  /**
   * Resolves when the user may do this.
   *
   * @throws {AuthError} that names what is not allowed.
   */
  check(user: UserInfo, attributes: ResourceAttributes): Promise<void>;
}
