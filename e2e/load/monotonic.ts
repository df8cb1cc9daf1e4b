/** Milliseconds of the clock that all processes of a machine share; it does not jump. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;
