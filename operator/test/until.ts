/** Resolves once `condition` holds; asks again every few milliseconds, and throws after 10 s. */
export async function until(condition: () => unknown): Promise<void> {
  const begun = performance.now();
  while (!(await condition())) {
    if (performance.now() - begun > 10_000) throw new Error(`not so within 10 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
