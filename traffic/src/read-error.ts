/** A recording that cannot be read as asked; the message says what was found, where, and what to give. */
export class ReadError extends Error {
  override readonly name = 'ReadError';
}
