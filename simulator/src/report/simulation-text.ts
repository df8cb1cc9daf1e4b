import type { Mark, PolicyFigures, Simulation } from '../simulate/simulate.ts';
import { STEPS } from '../simulate/timeline.ts';
import { figure, moment, percent, spoken, stretch } from './words.ts';

type Row = readonly [label: string, cells: readonly string[], mark: Mark | ''];

/** Formats a simulation as a table for a terminal. @param width characters in a line of the time line. */
export function simulationText(simulation: Simulation, width = 80): string {
  const { breaker, calls, from, to, processes, assumedProcesses, segmentation, policies } = simulation;
  const { incidents, slowMs, usualFailureShare } = segmentation;
  const by = assumedProcesses ? 'assumed' : 'from the record';
  const head = [
    `${breaker} on ${figure(calls)} calls, ${spoken(to - from)}, ${processes} ${processes === 1 ? 'process' : 'processes'} (${by})`,
    `calm: ${percent(usualFailureShare)} of calls fail, 99 % take up to ${spoken(slowMs)}; ${incidents.length === 0 ? 'no incident found' : `${incidents.length} ${incidents.length === 1 ? 'incident' : 'incidents'}`}`,
    ...incidents.map(
      (each, at) => `  ${at + 1}  ${stretch(each)}  ${each.given ? 'as given' : each.kinds.join(' and ')}`,
    ),
    '',
  ];
  return [
    ...head,
    ...aligned(rows(simulation), policies),
    '',
    ...timeline(simulation, width),
    '',
    ...notes(simulation),
  ].join('\n');
}

function rows({ policies, segmentation, assumedProcesses, unknown }: Simulation): Row[] {
  const each = (cell: (policy: PolicyFigures) => string) => policies.map(cell);
  const mark: Mark = assumedProcesses ? 'assumed' : 'counted';
  const spared: Mark = assumedProcesses ? 'assumed' : unknown > 0 ? 'bounded' : 'counted';
  const all: Row[] = [
    ['false openings', each(({ falseOpenings }) => figure(falseOpenings.seen)), mark],
    [
      '  a month and process at most (95 %)',
      each(({ falseOpenings }) => figure(falseOpenings.upperPerMonth)),
      'bounded',
    ],
    ['calls rejected in calm', each(({ calmRejected }) => percent(calmRejected)), mark],
    ['cannot judge a rate', each(({ blind }) => `${percent(blind)} of the time`), mark],
    ['changes of state', each(({ switches }) => figure(switches)), mark],
  ];
  segmentation.incidents.forEach((_, at) => {
    const of = (cell: (incident: PolicyFigures['incidents'][number]) => string) =>
      each(({ incidents }) => cell(incidents[at]!));
    const share = (part: number, whole: number) =>
      whole === 0 ? 'none' : `${figure(part)} (${percent(part / whole)})`;
    all.push(
      [`incident ${at + 1}`, each(() => ''), ''],
      [
        '  opened after',
        of(({ openedAfterMs }) => (openedAfterMs === undefined ? 'never' : spoken(openedAfterMs))),
        mark,
      ],
      ['  bad calls spared', of(({ badSpared, bad }) => share(badSpared, bad)), spared],
      ['  good calls rejected', of(({ goodRejected, good }) => share(goodRejected, good)), spared],
      ['  good calls rejected after it', of(({ goodRejectedAfter }) => figure(goodRejectedAfter)), mark],
      ['  seconds of waiting spared', of(({ waitingSparedSeconds }) => figure(waitingSparedSeconds)), spared],
      ['  calls that reached it', of(({ reached }) => percent(reached)), 'bounded'],
    );
  });
  return all;
}

function aligned(table: readonly Row[], policies: readonly PolicyFigures[]): string[] {
  const label = Math.max(...table.map(([text]) => text.length)) + 2;
  const widths = policies.map(
    ({ name }, at) => Math.max(name.length, ...table.map(([, cells]) => cells[at]!.length)) + 3,
  );
  const line = (text: string, cells: readonly string[], mark: string) =>
    `${text.padEnd(label)}${cells.map((cell, at) => cell.padEnd(widths[at]!)).join('')}${mark}`.trimEnd();
  return [
    line(
      '',
      policies.map(({ name }) => name),
      '',
    ),
    ...table.map(([text, cells, mark]) => line(text, cells, mark)),
  ];
}

const BARS = ' ▁▂▃▄▅▆▇█';

/** Calls and failures over time, with a band for each policy: `█` all processes open, `▒` some. */
function timeline({ load, policies, segmentation, from, to }: Simulation, width: number): string[] {
  const columns = Math.max(20, Math.min(STEPS, width - 16));
  const groups = Array.from({ length: columns }, (_, at) => [
    Math.floor((at * STEPS) / columns),
    Math.max(Math.floor(((at + 1) * STEPS) / columns), Math.floor((at * STEPS) / columns) + 1),
  ]);
  const sums = (values: readonly number[]) =>
    groups.map(([first, last]) => values.slice(first, last).reduce((sum, value) => sum + value, 0));
  const bars = (values: readonly number[], most: number) =>
    values.map((value) => BARS[value === 0 ? 0 : Math.max(1, Math.round((value / most) * 8))]).join('');
  const calls = sums(load.calls);
  const most = Math.max(1, ...calls);
  const stepMs = (to - from) / columns;
  const during = groups.map((_, at) => {
    const [begin, end] = [from + at * stepMs, from + (at + 1) * stepMs];
    return segmentation.incidents.some((each) => each.from < end && each.to >= begin) ? '!' : ' ';
  });
  const band = (open: readonly number[]) =>
    groups.map(([first, last]) => {
      const share = Math.max(...open.slice(first, last));
      return share === 0 ? '·' : share >= 1 ? '█' : '▒';
    });
  const name = (text: string) => (text.length > 14 ? `${text.slice(0, 13)}…` : text).padEnd(16);
  return [
    `${name('calls')}${bars(calls, most)}`,
    `${name('failures')}${bars(sums(load.failures), most)}`,
    `${name('incidents')}${during.join('')}`.trimEnd(),
    ...policies.map((policy) => `${name(policy.name)}${band(policy.lane.open).join('')}`),
    `${name('')}${moment(from)} … ${moment(to)}`,
  ];
}

function notes({ notKnown, policies, assumedProcesses }: Simulation): string[] {
  const random = policies.filter(({ isRandom }) => isRandom).map(({ name }) => name);
  const closed = policies.filter(({ spec }) => spec.trip === undefined).map(({ name }) => name);
  return [
    ...(closed.length > 0 ? [`${closed.join(', ')}: without \`trip\`, so only an override opens it.`] : []),
    'counted: in the record, at the recorded load. bounded: within a limit that the record gives; with fewer calls the dependency recovers sooner.',
    ...(assumedProcesses ? ['assumed: the record does not say which process made a call; give --processes N.'] : []),
    ...(random.length > 0
      ? [`${random.join(', ')}: open times are drawn at random, here once with a fixed seed.`]
      : []),
    `not known: ${notKnown.join('; ')}.`,
  ];
}
