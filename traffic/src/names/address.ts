const V4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)|(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!-?\d)/;
/** Five groups at least, or a double colon: fewer groups may be a time of day. */
const V6 =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::[0-9a-f:]{0,39})(?!\w)/i;

/** Whether a name is or holds an address of a machine, such as `10.0.3.17:8080` or `ip-10-0-3-17.internal`. */
export function isAddress(name: string): boolean {
  return V4.test(name) || V6.test(name);
}

const MAX_SHOWN = 160;

/**
 * A line as it may be shown: without queries, addresses, e-mail addresses, remote users and long tokens, cut to 160
 * characters.
 */
export function redacted(line: string): string {
  const shown = line
    .slice(0, 2_000)
    .replace(/\?[^\s"'<>]*/g, '?…')
    .replace(/[^\s"'=,;<>/]+(@|%40)[^\s"',;<>/]+/gi, '(e-mail)')
    .replace(new RegExp(V4, 'g'), '(address)')
    .replace(new RegExp(V6, 'gi'), '(address)')
    .replace(/^(\S+ \S+ )(?!- )[^[\]"]+ (?=\[)/, '$1(user) ')
    .replace(
      /(["']?\b(?:user(?:_?name)?|remote_user|authorization|cookie|token|password)["']?\s*[:=]\s*)("[^"]*"|[^\s,}]+)/gi,
      '$1(removed)',
    )
    .replace(/[\w+/=-]{32,}/g, '(token)')
    // A terminal must not execute what a log holds.
    .replace(/\p{Cc}/gu, ' ');
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
}
