import type { Library } from '../subject.ts';
import { bare } from './bare.ts';

const peers: Record<string, () => Promise<Library>> = {
  fuseboard: async () => (await import('./fuseboard.ts')).fuseboard,
  cockatiel: async () => (await import('./cockatiel.ts')).cockatiel,
  opossum: async () => (await import('./opossum.ts')).opossum,
  brakes: async () => (await import('./brakes.ts')).brakes,
  mollitia: async () => (await import('./mollitia.ts')).mollitia,
};

export const names = Object.keys(peers);

/** Loads a library; `undefined` and a word about it where it does not load on this Node. */
export async function load(name: string, say: (line: string) => void): Promise<Library | undefined> {
  try {
    return await peers[name]?.();
  } catch (error) {
    say(`${name} does not load on Node ${process.versions.node}: ${(error as Error).message}`);
    return undefined;
  }
}

export { bare };
