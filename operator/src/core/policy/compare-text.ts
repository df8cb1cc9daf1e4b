/** The order of two texts by their code units: the same whatever the locale. */
export const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
