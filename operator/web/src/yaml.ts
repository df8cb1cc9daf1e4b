/** Formats plain values as YAML, in the usual style of policies. */
export function yaml(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((one) => typeof one !== 'object')) return `[${value.map(scalar).join(', ')}]`;
    return value.map((one) => `\n${indent}- ${yaml(one, `${indent}  `).trimStart()}`).join('');
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return '{}';
    const lines = entries.map(([key, one]) => {
      const text = yaml(one, `${indent}  `);
      const nested = typeof one === 'object' && one !== null && text.startsWith('\n');
      return `${indent}${scalar(key)}:${nested ? '' : ' '}${text}`;
    });
    return `\n${lines.join('\n')}`;
  }
  return scalar(value);
}

const scalar = (value: unknown): string =>
  typeof value === 'string' &&
  /^[A-Za-z][\w./-]*$|^[0-9]+(ms|s|m|h)$/.test(value) &&
  !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value);
