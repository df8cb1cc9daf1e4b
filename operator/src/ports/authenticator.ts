import type { Labels } from '../core/policy/selector.ts';

/** The authenticated sender of a request. */
export interface AgentIdentity {
  readonly namespace: string;
  /** The pod that its token is bound to. Absent: the token is bound to none, or there is no token. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** When its token expires, in milliseconds since 1970. Absent: never, or not known. */
  readonly expiresAt?: number;
}

/** The credentials in a request. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The namespace that the client claims. */
  readonly namespace: string | undefined;
  /** The source address of the connection. */
  readonly address: string;
}

/** Authenticates agents. */
export interface Authenticator {
  readonly method: 'none' | 'file' | 'token-review';
  /**
   * Refuses requests that are known to be invalid without a review, before they use a limited resource. Absent: none.
   *
   * @throws {AuthError} when the request is refused.
   */
  screen?(credentials: Credentials): void;
  /**
   * Authenticates the sender of a request.
   *
   * @param what the purpose of the request.
   * @throws {AuthError} when the sender is not authenticated.
   */
  identify(credentials: Credentials, what: 'stream' | 'report'): Promise<AgentIdentity>;
  /**
   * The labels of an agent, for selectors.
   *
   * @param claimed the labels in the request.
   * @throws {AuthError} when the pod of the agent is gone, or its labels cannot be read.
   */
  labels(agentIdentity: AgentIdentity, claimed: Labels): Promise<Labels>;
}

/** Why a caller is refused. `unavailable`: it could not be authenticated, whether or not its credentials are valid. */
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
 * The token of an `Authorization: Bearer` header.
 *
 * @param advice how to provide a token, for the error.
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
