/** Compares two strings by code unit, independent of the locale. */
export const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
