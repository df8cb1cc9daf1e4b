import { AuthError } from '../../ports/authenticator.ts';

/** The `exp` claim of a verified token, in ms since 1970. The caller must have checked the signature. */
export function expiryOf(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns an identity unless its token has expired since it was verified.
 *
 * @throws {AuthError} when the token has expired.
 */
export function unexpired<T extends { readonly expiresAt?: number }>(known: T, now: number): T {
  if (known.expiresAt === undefined || known.expiresAt > now) return known;
  throw new AuthError('expired', 'the token has expired; check that its file is renewed');
}
