import { randomBytes } from 'node:crypto';
import type { Registry } from '../breakers/registry.ts';
import { Ledger } from './ledger.ts';
import { Link } from './link.ts';
import { type EnvironmentVariables, readSettings, type StartOptions } from './settings.ts';

/** A new ledger, for a process that has none. */
export const newLedger = () => new Ledger(randomBytes(16).toString('hex'));

/** Makes the link of a process and lets it apply the policies that it has on file; it is not connected yet. */
export function openLink(
  options: StartOptions,
  env: EnvironmentVariables,
  registry: Registry,
  ledger: Ledger,
  warn: (message: string) => void,
): Link {
  const link = new Link({ settings: readSettings(options, env), registry, ledger, warn });
  link.load();
  return link;
}
