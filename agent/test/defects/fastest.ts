/**
 * The shortest time that some rounds of the same work took, in milliseconds; whatever else the machine does only adds.
 */
export async function fastest(rounds: number, work: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    await work();
    shortest = Math.min(shortest, performance.now() - begun);
  }
  return shortest;
}
