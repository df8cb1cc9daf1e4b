import type { Labels } from '../core/policy/selector.ts';

/** Who sent a request, as far as it was proved. */
export interface Caller {
  readonly namespace: string;
  /** The pod that its token is bound to. Absent: a token without a pod, or none at all. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** When its token expires, in milliseconds since 1970. Absent: never, or not known. */
  readonly expiresAt?: number;
}

/** What a request holds about its sender. `namespace` is what the client says of itself. */
export interface Presented {
  readonly authorization: string | undefined;
  readonly namespace: string | undefined;
  /** Where the connection comes from. */
  readonly address: string;
}

/** Knows who speaks. */
export interface Authenticator {
  readonly way: 'none' | 'file' | 'token-review';
  /**
   * Refuses what needs no question to be refused, before it takes the place of somebody else. Absent: nothing.
   *
   * @throws {Denial}
   */
  screen?(presented: Presented): void;
  /**
   * Who sent a request; `what` tells what it wants.
   *
   * @throws {Denial}
   */
  caller(presented: Presented, what: 'stream' | 'report'): Promise<Caller>;
  /**
   * The labels that selectors are matched with; `claimed` is what the client says they are.
   *
   * @throws {Denial}
   */
  labels(caller: Caller, claimed: Labels): Promise<Labels>;
}

/** Why a caller is not served. `unavailable` says that we could not find out, and nothing about the caller. */
export type DenialReason =
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

const STATUS: Record<DenialReason, 401 | 403 | 503> = {
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

export const DENIAL_REASONS = Object.keys(STATUS) as readonly DenialReason[];

/** A caller is not served. The message is told to the caller and holds no secret. */
export class Denial extends Error {
  readonly reason: DenialReason;
  readonly status: 401 | 403 | 503;

  constructor(reason: DenialReason, message: string) {
    super(message);
    this.reason = reason;
    this.status = STATUS[reason];
  }
}

/**
 * The token of an `Authorization: Bearer` header; `advice` tells how to have one.
 *
 * @throws {Denial} when there is none.
 */
export function bearerToken(
  authorization: string | undefined,
  advice = 'set FUSEBOARD_TOKEN_FILE in the service',
): string {
  const token = /^bearer +([\x21-\x7e]+)$/i.exec(authorization?.trim() ?? '')?.[1];
  if (token === undefined) {
    throw new Denial('no-token', `a token is required: authorization: Bearer …; ${advice}`);
  }
  return token;
}
