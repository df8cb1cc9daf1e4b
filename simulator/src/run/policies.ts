import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { LIBRARY_DEFAULTS } from '../replay/library-defaults.ts';
import type { NamedPolicy } from '../simulate/simulate.ts';

/** Invalid input of the user. The message names the input, the error and the fix. */
export class InputError extends Error {}

interface Document {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown };
  readonly spec?: unknown;
}

/** A policy with the names of its breakers. */
export interface GivenPolicy extends NamedPolicy {
  readonly breakers: readonly string[];
}

/**
 * Reads the policies of a YAML or JSON file, or the defaults of a library by its name.
 *
 * @throws InputError when the file is unreadable, is not YAML or contains no policy.
 */
export function readPolicies(source: string): GivenPolicy[] {
  const library = LIBRARY_DEFAULTS[source];
  if (library !== undefined) return [{ name: source, spec: library.spec, breakers: ['*'] }];
  const documents = parseAllDocuments(textOf(source));
  const broken = documents.find(({ errors }) => errors.length > 0);
  if (broken !== undefined) throw new InputError(`${source} is no YAML: ${broken.errors[0]!.message.split('\n')[0]}`);
  const found = documents.flatMap((document): GivenPolicy[] => {
    const { kind, metadata, spec } = (document.toJS() ?? {}) as Document;
    if (kind !== 'CircuitBreakerPolicy' || typeof spec !== 'object' || spec === null) return [];
    const { breakers } = spec as { breakers?: unknown };
    const names = Array.isArray(breakers) ? breakers.filter((each) => typeof each === 'string') : [];
    return [{ name: typeof metadata?.name === 'string' ? metadata.name : source, spec, breakers: names }];
  });
  if (found.length === 0) {
    const known = Object.keys(LIBRARY_DEFAULTS).join(', ');
    throw new InputError(`${source} holds no CircuitBreakerPolicy; give a file with one, or a library: ${known}`);
  }
  return found;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const known = Object.keys(LIBRARY_DEFAULTS).join(', ');
    throw new InputError(
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code}); give a file, or a library: ${known}`,
    );
  }
}

/** Whether a policy lists a breaker: by its name, by a prefix with `*`, or with `*` alone. */
export function isFor({ breakers }: Pick<GivenPolicy, 'breakers'>, breaker: string): boolean {
  return breakers.some((each) => (each.endsWith('*') ? breaker.startsWith(each.slice(0, -1)) : each === breaker));
}
