import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const ROUNDS = 20;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** How many of them the garbage collector cannot take. */
export async function stillHeld(references: readonly WeakRef<object>[]): Promise<number> {
  let held = references.length;
  for (let round = 0; held > 0 && round < ROUNDS; round++) {
    // A reference that was read holds its object until the task ends.
    await new Promise(setImmediate);
    gc();
    held = references.filter((each) => each.deref() !== undefined).length;
  }
  return held;
}
