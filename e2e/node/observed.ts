/** Asks again and again while something happens, from before it begins until after it ends, and returns all answers. */
export async function observed<T>(
  ask: () => Promise<T>,
  meanwhile: () => Promise<unknown>,
  everyMs = 250,
): Promise<T[]> {
  const answers = [await ask()];
  let over = false;
  const asking = (async () => {
    while (!over) {
      answers.push(await ask());
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  try {
    await meanwhile();
  } finally {
    over = true;
    await asking;
  }
  return answers;
}
