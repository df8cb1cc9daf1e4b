import leven from 'leven';

/** Up to three names similar to a misspelled one, the most similar first. */
export function suggestions(name: string, names: Iterable<string>): string[] {
  const lowerCase = name.toLowerCase();
  return [...new Set(names)]
    .map((one) => ({ one, far: distance(lowerCase, one.toLowerCase()) }))
    .filter(({ far }) => far <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.far - b.far || (a.one < b.one ? -1 : 1))
    .slice(0, 3)
    .map(({ one }) => one);
}

/** `; did you mean "payments"?`, or the existing names, or nothing. */
export function hint(name: string, names: Iterable<string>): string {
  const all = [...new Set(names)].sort();
  const close = suggestions(name, all);
  if (close.length > 0) return `; did you mean ${close.map((one) => `"${one}"`).join(' or ')}?`;
  if (all.length === 0) return '; there are none';
  const shown = all.slice(0, 5).join(', ');
  return `; there ${all.length === 1 ? 'is' : 'are'} ${shown}${all.length > 5 ? ` and ${all.length - 5} more` : ''}`;
}

const distance = (a: string, b: string) => (b.startsWith(a) || a.startsWith(b) ? 1 : leven(a, b));
