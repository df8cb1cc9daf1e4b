const V4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)|(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!-?\d)/;
/** At least five groups, or a double colon, because fewer groups may be a time of day. */
const V6 =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::[0-9a-f:]{0,39})(?!\w)/i;

/** Whether a name is or contains a machine address, such as `10.0.3.17:8080` or `ip-10-0-3-17.internal`. */
export function isAddress(name: string): boolean {
  return V4.test(name) || V6.test(name);
}
