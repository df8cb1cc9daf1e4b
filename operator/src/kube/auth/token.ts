import { AuthError } from '../../ports/authenticator.ts';

/** The `exp` of a token that was found genuine, in ms since 1970; its signature was checked by who made it. */
export function expiryOf(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The same, when its token has not expired meanwhile.
 *
 * @throws {AuthError}
 */
export function unexpired<T extends { readonly expiresAt?: number }>(known: T, now: number): T {
  if (known.expiresAt === undefined || known.expiresAt > now) return known;
  throw new AuthError('expired', 'the token has expired; check that its file is renewed');
}
