import type { Labels } from '../core/policy/selector.ts';

/** Who sent a request, as far as it was proved. */
export interface AgentIdentity {
  readonly namespace: string;
  /** The pod that its token is bound to. Absent: a token without a pod, or none at all. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** When its token expires, in milliseconds since 1970. Absent: never, or not known. */
  readonly expiresAt?: number;
}

/** The credentials in a request. `namespace` is the client's own claim. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly namespace: string | undefined;
  /** Where the connection comes from. */
  readonly address: string;
}

/** Authenticates requests. */
export interface Authenticator {
  readonly method: 'none' | 'file' | 'token-review';
  /**
   * Refuses what needs no question to be refused, before it takes the place of somebody else. Absent: nothing.
   *
   * @throws {AuthError}
   */
  screen?(credentials: Credentials): void;
  /**
   * Who sent a request; `what` tells what it wants.
   *
   * @throws {AuthError}
   */
  identify(credentials: Credentials, what: 'stream' | 'report'): Promise<AgentIdentity>;
  /**
   * The labels that selectors are matched with; `claimed` is what the client says they are.
   *
   * @throws {AuthError}
   */
  labels(agentIdentity: AgentIdentity, claimed: Labels): Promise<Labels>;
}

/** Why a caller is not served. `unavailable` says that we could not find out, and nothing about the caller. */
export type AuthErrorReason =
  | 'no-token'
  | 'bad-token'
  | 'wrong-audience'
  | 'no-pod'
  | 'not-an-account'
  | 'not-watched'
  | 'pod-gone'
  | 'expired'
  | 'not-allowed'
  | 'flood'
  | 'unavailable';

const STATUS: Record<AuthErrorReason, 401 | 403 | 503> = {
  'no-token': 401,
  'bad-token': 401,
  'wrong-audience': 401,
  expired: 401,
  'no-pod': 403,
  'not-an-account': 403,
  'not-watched': 403,
  'pod-gone': 403,
  'not-allowed': 403,
  flood: 503,
  unavailable: 503,
};

export const AUTH_ERROR_REASONS = Object.keys(STATUS) as readonly AuthErrorReason[];

/** A caller is refused. The message is sent to the caller and contains no secret. */
export class AuthError extends Error {
  readonly reason: AuthErrorReason;
  readonly status: 401 | 403 | 503;

  constructor(reason: AuthErrorReason, message: string) {
    super(message);
    this.reason = reason;
    this.status = STATUS[reason];
  }
}

/**
 * The token of an `Authorization: Bearer` header; `advice` tells how to have one.
 *
 * @throws {AuthError} when there is none.
 */
export function bearerToken(
  authorization: string | undefined,
  advice = 'set FUSEBOARD_TOKEN_FILE in the service',
): string {
  const token = /^bearer +([\x21-\x7e]+)$/i.exec(authorization?.trim() ?? '')?.[1];
  if (token === undefined) {
    throw new AuthError('no-token', `a token is required: authorization: Bearer …; ${advice}`);
  }
  return token;
}
