const BARS = '▁▂▃▄▅▆▇█';

/**
 * Draws numbers as one line of bars, with the maximum at full height and blanks for zeros. When there are more numbers
 * than `width`, neighbours are summed.
 */
export function sparkLine(values: readonly number[], width: number): string {
  const columns = Math.min(width, values.length);
  const sums = Array.from({ length: columns }, (_, column) => {
    const [from, to] = [column, column + 1].map((edge) => Math.floor((edge * values.length) / columns));
    return values.slice(from, to).reduce((sum, value) => sum + value, 0);
  });
  const most = Math.max(...sums);
  return sums
    .map((sum) => (sum === 0 ? ' ' : BARS[Math.min(BARS.length - 1, Math.floor((sum / most) * BARS.length))]!))
    .join('');
}
