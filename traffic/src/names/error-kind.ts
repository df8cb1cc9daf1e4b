import { isAddress } from './address.ts';

/** Words of usual errors. Only these may stand in a text of several words, because any other may be a name. */
const USUAL = new Set(
  `a aborted access bad broken by cancelled canceled circuit client closed conflict connect connection content deadline denied dns
  down eof error exceeded expired failed failure forbidden found gateway handshake host http in internal invalid limit lookup
  many name net network no not of on open operation out overflow overloaded peer permission pipe precondition protocol rate read
  refused rejected request requests reset resolution response route server service socket ssl temporary the time timed timeout
  tls to too unauthenticated unauthorized unavailable unexpected unknown unreachable upstream was write`.split(/\s+/),
);

/**
 * The kind of an error without its message, which may contain anything: `ECONNREFUSED` for `ECONNREFUSED 10.0.0.1:80`.
 */
export function errorKind(text: string): string {
  if (/^[\w.$:/ -]{1,60}$/.test(text) && !isAddress(text) && !/\d{5,}/.test(text) && isUsual(text)) return text;
  const code = /(?:^|[\s:(])(E[A-Z0-9]{3,}|[A-Z]+(?:_[A-Z]+)+|[A-Za-z]\w*(?:Error|Exception))(?=$|[\s:,)])/.exec(
    text,
  )?.[1];
  return code ?? 'error';
}

/** A code or a class, or a text of usual words. */
function isUsual(text: string): boolean {
  const words = text.trim().split(/[\s:/-]+/);
  if (!/\s/.test(text.trim()) && words.every((word) => isCode(word) || isKnown(word))) return true;
  return words.every(isKnown);
}

/** Whether a word, or each part of a compound one as in `DeadlineExceeded`, is usual. */
function isKnown(word: string): boolean {
  const parts = word.replaceAll(/([a-z])(?=[A-Z])/g, '$1 ').split(/[ .]/);
  return parts.every((part) => USUAL.has(part.toLowerCase()));
}

/** Whether a word has the form of a code, as `ECONNRESET`, `not_ready`, `UF`, `1050`, or of the class of an error. */
function isCode(word: string): boolean {
  return /^(E[A-Z0-9]{3,}|[A-Za-z0-9]+(_[A-Za-z0-9]+)+|[A-Z]{2,4}|[0-9]{1,4}|[\w.$]*(Error|Exception|Timeout|Failure))$/.test(
    word,
  );
}
