import { causesOf } from './causes.ts';

/** A description of a failure, for people. It is stored instead of the error, which may hold references and secrets. */
export interface LastError {
  /** The name of the error, or `Response` for an HTTP response. */
  readonly name: string;
  /** Its message and that of its innermost cause, cut after 200 UTF-16 units; `HTTP 503` for a response. */
  readonly message: string;
}

const MAX_NAME = 64;
const MAX_MESSAGE = 200;

/** @param what the result or the error of a failed call; undefined when it is not known. */
export function lastErrorOf(what: unknown): LastError | undefined {
  if (what === undefined) return undefined;
  try {
    if (typeof what !== 'object' || what === null) return described(typeof what, String(what));
    const { name, message, status, statusCode } = what as Record<string, unknown>;
    if (typeof message !== 'string') return described('Response', `HTTP ${status ?? statusCode ?? 'without a status'}`);
    const innermost = (causesOf(what).at(-1) as Error).message;
    const cause = typeof innermost === 'string' && innermost !== message ? innermost : '';
    const separator = message === '' || cause === '' ? '' : ': ';
    return described(String(name ?? what.constructor.name), message + separator + cause);
  } catch {
    return described('unknown', 'an error that cannot be read');
  }
}

/** Failures that are alike follow each other, at many breakers at a time, and share one record. */
let newest: LastError = { name: '', message: '' };

function described(fullName: string, fullMessage: string): LastError {
  const name = cut(fullName, MAX_NAME);
  const message = cut(fullMessage, MAX_MESSAGE);
  if (newest.message !== message || newest.name !== name) newest = { name, message };
  return newest;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…` : text;
}
