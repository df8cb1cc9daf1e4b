import { readFileSync, writeFileSync } from 'node:fs';
import { COMPARED, RATIOS } from './budget.ts';
import type { Memory } from './memory.ts';
import type { Measured } from './rounds.ts';
import { CASES, type CaseName } from './subject.ts';

/** What one run measured, as `--json` writes it. */
export interface Report {
  readonly node: string;
  readonly cpu: string;
  readonly date: string;
  readonly cases: readonly Measured[];
  readonly memory: readonly Memory[];
}

const PAGE = new URL('../../docs/performance.md', import.meta.url);
const [BEGIN, END] = ['<!-- measured -->', '<!-- /measured -->'];
const LIBRARIES = ['fuseboard', 'cockatiel', 'opossum', 'brakes', 'mollitia'];

const short = (ratio: number): string =>
  `${ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString('en-GB')} x`;
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function budgetOf(name: CaseName): string {
  const [most, compared] = [RATIOS[name], COMPARED[name]];
  if (compared !== undefined) return `${compared.most} x "${compared.to}"`;
  return most === undefined ? '' : `${most} x`;
}

/** The tables of a run in Markdown: ratios to the bare call, then what idle breakers cost. */
function tables({ node, cpu, date, cases, memory }: Report): string {
  const of = (name: CaseName, library: string) => cases.find((each) => each.name === name && each.library === library);
  const lines = [
    `Node ${node}, ${cpu}, ${date}.`,
    '',
    row(['case', 'bare call', ...LIBRARIES, 'budget']),
    row(['---', ...LIBRARIES.map(() => '---:'), '---:', '---:']),
  ];
  for (const name of CASES) {
    const bare = of(name, 'bare');
    if (bare === undefined) continue;
    const ratios = LIBRARIES.map((library) => {
      const measured = of(name, library);
      return measured === undefined ? '' : short(measured.ratio);
    });
    lines.push(row([name, `${bare.nsPerOp.min.toFixed(0)} ns`, ...ratios, budgetOf(name)]));
  }
  if (memory.length === 0) return lines.join('\n');
  lines.push('', row(['10,000 breakers after use', 'bytes each', 'timers', 'idle, of one core']));
  lines.push(row(['---', '---:', '---:', '---:']));
  for (const { library, bytesEach, timers, idleCpuPercent } of memory) {
    lines.push(row([library, String(bytesEach), String(timers), `${idleCpuPercent.toFixed(1)} %`]));
  }
  return lines.join('\n');
}

/** Puts the tables of a run into the page. */
export function writeDocs(report: Report): void {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PAGE.pathname} lacks ${BEGIN} and ${END} around its tables`);
  writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${tables(report)}\n\n${page.slice(end)}`);
}
