const EVERY_MS = 5;
const TRIES = 4_000;

/**
 * Resolves as soon as `holds`. It gives up after some 20 s, long after the test's own time limit, so that a wait in
 * vain ends with the run.
 */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === TRIES) throw new Error(`not so after ${(TRIES * EVERY_MS) / 1_000} s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
