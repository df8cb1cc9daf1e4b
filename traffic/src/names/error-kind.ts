import { isAddress } from './address.ts';

/**
 * The kind of an error without its message, which may contain anything: `ECONNREFUSED` for `ECONNREFUSED 10.0.0.1:80`.
 */
export function errorKind(text: string): string {
  if (/^[\w.$:/ -]{1,60}$/.test(text) && !isAddress(text) && !/\d{5,}/.test(text)) return text;
  const word = /(?:^|[\s:(])([A-Z][A-Z_]{4,}|[A-Za-z]\w*(?:Error|Exception))(?=$|[\s:,)])/.exec(text)?.[1];
  return word ?? 'error';
}
