import { count, duration } from '../format.ts';
import { clockTime } from '../outage-list.tsx';
import type { Replayed } from './replay.ts';
import type { Compared } from './sentences.ts';

/** What happened, what the numbers in force and the edited ones would have done, and what the sums limit. */
export function ResultTable({ compared: { happened, asItIs, withEdits, limits } }: { compared: Compared }) {
  const { begin, stepMs, steps } = happened;
  const open = steps.map((step) => step.open > 0);
  const openings = open.filter((one, i) => one && !open[i - 1]).length;
  const first = open.indexOf(true);
  const refused = steps.reduce((sum, { rejected }) => sum + rejected, 0);
  const isSure = limits?.verdicts.includes('must');
  const mayOpen = limits?.verdicts.some((one) => one !== 'no');
  const time = (at: number | undefined) => (at === undefined ? '–' : clockTime(at));
  const both = (text: (own: Replayed) => string): [string, string] => [text(asItIs), text(withEdits)];
  const most = (text: string) => (limits ? `≤ ${text}` : 'not known');
  const rows: [string, string, string, string, string][] = [
    [
      'opened',
      count(openings),
      ...both((own) => count(own.openings.length)),
      limits === undefined ? 'not known' : isSure ? 'surely' : mayOpen ? 'perhaps' : 'never',
    ],
    [
      'first at',
      time(first < 0 ? undefined : begin + first * stepMs),
      ...both((own) => time(own.openings[0]?.from)),
      limits === undefined ? 'not known' : isSure ? `by ${time(firstSure(limits.verdicts, begin, stepMs))}` : '–',
    ],
    [
      'not closed for',
      duration(open.filter((one) => one).length * stepMs),
      ...both((own) => duration(own.openMs)),
      most(duration(limits?.openMs ?? 0)),
    ],
    ['calls refused', count(refused), ...both((own) => about(own.rejected)), most(count(limits?.rejected ?? 0))],
    ['failures spared', '–', ...both((own) => about(own.spared)), most(count(limits?.spared ?? 0))],
    ['refused calls that pass', '–', ...both((own) => about(own.letThrough)), most(count(refused))],
  ];
  return (
    <table>
      <thead>
        <tr>
          <td />
          <th class="right">happened</th>
          <th class="right">in force, replayed</th>
          <th class="right">edited, replayed</th>
          <th class="right">edited, any order</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...values]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {values.map((value, i) => (
              <td key={`${name}${i}`} class="right">
                {value}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The end of the first step by which a circuit has surely opened. */
const firstSure = (verdicts: readonly string[], begin: number, stepMs: number) =>
  begin + (verdicts.indexOf('must') + 1) * stepMs;

const about = (calls: number) => (calls === 0 ? '0' : `≈ ${count(Math.max(1, Math.round(calls)))}`);
