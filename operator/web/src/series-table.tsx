import { count, duration } from './format.ts';
import { clockTime } from './outage-list.tsx';
import { columnOf, type Series } from './rate-chart.tsx';

/** Maximum number of table rows. Slots are summed to stay below it. */
const MAX_ROWS = 30;
const TABLE = { calls: 'calls', failed: 'failed', slow: 'slow', rejected: 'refused', fallback: 'by fallback' } as const;

/** The counts of a plot as a table, closed at first. */
export function SeriesTable({ series }: { series: Series }) {
  return (
    <details>
      <summary>Calls by time</summary>
      <Numbers series={series} />
    </details>
  );
}

function Numbers({ series }: { series: Series }) {
  const { begin, slotMs, columns, values } = series;
  const slots = values.length / columns.length;
  const each = Math.ceil(slots / MAX_ROWS);
  const sums = Object.keys(TABLE).map((name) => {
    const own = columnOf(series, name);
    return (row: number) => own.slice(row * each, (row + 1) * each).reduce((sum, one) => sum + one, 0);
  });
  return (
    <table>
      <caption>Each row is {duration(each * slotMs)}</caption>
      <thead>
        <tr>
          <th>from</th>
          {Object.values(TABLE).map((name) => (
            <th key={name} class="right">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: Math.ceil(slots / each) }, (_, row) => {
          const at = begin + row * each * slotMs;
          return (
            <tr key={at}>
              <td>{clockTime(at)}</td>
              {sums.map((sum, i) => (
                <td key={Object.keys(TABLE)[i]} class="right">
                  {count(sum(row))}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
