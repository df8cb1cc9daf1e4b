/** Path segments for collections of persons. The segment after one is a name or id of a person. */
const PERSONS = /^(users?|people|persons?|accounts?|customers?|members?|profiles?|patients?|employees?|contacts?|u)$/i;
const FIXED = /^(me|self|search|login|logout|new|list|current|v\d+|index(\.\w+)?)$/i;
const MAX_SEGMENTS = 8;

/** The path of a URL without host, query, ids and names of persons: `/users/:id/orders/:id`. */
export function pathTemplate(url: string): string {
  let path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#;]/);
  if (end >= 0) path = path.slice(0, end);
  const segments = path.split('/').filter((segment) => segment !== '');
  const kept = segments.slice(0, MAX_SEGMENTS).map((segment, at) => {
    const afterPerson = at > 0 && PERSONS.test(segments[at - 1]!) && !FIXED.test(segment);
    return afterPerson || isId(segment) ? ':id' : segment;
  });
  return `/${kept.join('/')}${segments.length > MAX_SEGMENTS ? '/…' : ''}`;
}

function isId(segment: string): boolean {
  if (/[@%~]|%40/.test(segment) || segment.length > 40) return true;
  const digits = segment.replace(/\D/g, '').length;
  if (segment.length > 24 && !/[-_.]/.test(segment)) return true;
  if (digits === 0) return false;
  if (/^v\d{1,2}$/i.test(segment)) return false;
  const stem = segment.replace(/\.\w{1,5}$/, '');
  if (/^[0-9a-f-]+$/i.test(stem)) return true;
  return digits >= 3 || digits / segment.length >= 0.3;
}
