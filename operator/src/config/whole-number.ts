import { z } from 'zod';

/** A flag that is a whole number within bounds. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(error).int(error).min(min, error).max(max, error);
}

/** 0 chooses a free port. */
export const port = () => wholeNumber(0, 65_535);
