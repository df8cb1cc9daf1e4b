const V4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)|(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!-?\d)/;
/** At least five groups, or a double colon, because fewer groups may be a time of day. */
const V6 =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::[0-9a-f:]{0,39})(?!\w)/i;

/** Whether a name is or contains a machine address, such as `10.0.3.17:8080` or `ip-10-0-3-17.internal`. */
export function isAddress(name: string): boolean {
  return V4.test(name) || V6.test(name);
}

const MAX_SHOWN = 160;

/**
 * A line that is safe to show: without queries, addresses, e-mail addresses, remote users and long tokens, cut to 160
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
    // Escaped, because a terminal must not execute control sequences of a log.
    .replace(/\p{Cc}/gu, ' ');
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
}
