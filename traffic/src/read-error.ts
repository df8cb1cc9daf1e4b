/** The recording cannot be read as requested. The message contains the finding, its place, and the fix. */
export class ReadError extends Error {
  override readonly name = 'ReadError';
}
