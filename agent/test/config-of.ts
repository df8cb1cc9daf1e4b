import { type Config, compile } from '../src/core/config/config.ts';

/** What a breaker decides by under a spec that can be used. */
export function configOf(spec: object): Config {
  const compiled = compile(spec);
  if (!compiled.ok) throw new Error(`${compiled.field} ${compiled.message}`);
  return compiled.config;
}
