import { isAddress } from './address.ts';

/** Words of usual errors. Only these may stand in a text of several words, because any other may be a name. */
const USUAL = new Set(
  `a aborted access bad broken by cancelled canceled circuit client closed conflict connect connection content deadline denied dns
  down eof error exceeded expired failed failure forbidden found gateway handshake host http in internal invalid limit lookup
  many name network no not of on open operation out overflow overloaded peer permission pipe precondition protocol rate read
  refused rejected request requests reset resolution response route server service socket ssl temporary the time timed timeout
  tls to too unauthenticated unauthorized unavailable unexpected unknown unreachable upstream was write`.split(/\s+/),
);

/**
 * The kind of an error without its message, which may contain anything: `ECONNREFUSED` for `ECONNREFUSED 10.0.0.1:80`.
 */
export function errorKind(text: string): string {
  if (/^[\w.$:/ -]{1,60}$/.test(text) && !isAddress(text) && !/\d{5,}/.test(text) && isUsual(text)) return text;
  const word = /(?:^|[\s:(])([A-Z][A-Z_]{4,}|[A-Za-z]\w*(?:Error|Exception))(?=$|[\s:,)])/.exec(text)?.[1];
  return word ?? 'error';
}

/** A single word is a code or a class. */
function isUsual(text: string): boolean {
  const words = text.trim().split(/[\s:/-]+/);
  return !/\s/.test(text.trim()) || words.every((word) => USUAL.has(word.toLowerCase()));
}
