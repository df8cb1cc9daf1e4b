/** Resolves once `condition` holds; asks again every few milliseconds, and throws after the given time. */
export async function until(condition: () => unknown, seconds = 10): Promise<void> {
  const begun = performance.now();
  while (!(await condition())) {
    if (performance.now() - begun > seconds * 1_000) throw new Error(`not so within ${seconds} s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
