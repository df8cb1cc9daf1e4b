import { SaxesParser } from 'saxes';
import type { Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import { ReadError } from '../read-error.ts';
import type { Context, Format } from './format.ts';
import { numberOf } from './json-value.ts';
import { CLOSED_LOOP, jmeterEnding } from './load-test.ts';
import { headerOf, readTable } from './table.ts';

/** The columns are configurable. `timeStamp` is the start of a sample by default. */
export const jmeterCsv: Format = {
  name: 'jmeter-csv',
  title: 'JMeter results as CSV',
  matches: ({ lines }: Sample) =>
    ['timeStamp', 'elapsed', 'success'].every((name) => headerOf(lines[0]).includes(name)),
  read(blocks, context) {
    context.counts.note(CLOSED_LOOP);
    return readTable(blocks, context, (column) => {
      const at = {
        time: column('timeStamp'),
        elapsed: column('elapsed'),
        success: column('success'),
        code: column('responseCode'),
        message: column('responseMessage'),
        label: column('label'),
        url: column('URL'),
        host: column('Hostname'),
      };
      return {
        row(row, emit) {
          const start = context.time.parse(row[at.time]);
          const durationMs = numberOf(row[at.elapsed]);
          const success = row[at.success];
          if (Number.isNaN(start) || Number.isNaN(durationMs) || (success !== 'true' && success !== 'false'))
            return false;
          if (/^Number of samples in transaction/.test(row[at.message] ?? '')) {
            context.counts.note('{} transactions are left out; the calls in them are counted.');
            return true;
          }
          emit({
            start,
            durationMs,
            ...jmeterEnding(row[at.code] ?? '', success === 'true'),
            breaker: labelOf(row[at.label]),
            path: row[at.url],
            instance: row[at.host],
          });
          return true;
        },
      };
    });
  },
};

/** The label of a sample may be the called URL. */
const labelOf = (label: string | undefined) =>
  label === undefined || label === '' || label.includes('://') ? undefined : label;

/**
 * Nested samples: the parts of a page are not counted. Of a transaction, the parts are counted instead of the whole.
 */
export const jmeterXml: Format = {
  name: 'jmeter-xml',
  title: 'JMeter results as XML',
  matches: ({ text }: Sample) => /<testResults[\s>]/.test(text),
  read: (blocks, context) => readXml(blocks, context),
};

async function* readXml(blocks: AsyncIterable<Buffer>, { counts, time }: Context): AsyncGenerator<Observation[]> {
  counts.note(CLOSED_LOOP);
  let found: Observation[] = [];
  let failed: Error | undefined;
  /** The open samples from the outermost, each with whether it is itself a call. */
  const open: { readonly call: boolean }[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    failed ??= error;
  });
  parser.on('opentag', ({ name, attributes, isSelfClosing }) => {
    if (name !== 'httpSample' && name !== 'sample') return;
    const call = name === 'httpSample' && !open.some((outer) => outer.call);
    if (!isSelfClosing || call) open.push({ call });
    if (!call) return;
    counts.lines++;
    const one = sampleOf(attributes as Record<string, string>, time.parse(attributes.ts));
    if (one === undefined) counts.bad('its <httpSample> has no s, or its t or ts is no number');
    else found.push(one);
  });
  parser.on('closetag', ({ name }) => {
    if (name === 'httpSample' || name === 'sample') open.pop();
  });
  const decoder = new TextDecoder();
  for await (const block of blocks) {
    parser.write(decoder.decode(block, { stream: true }));
    if (failed !== undefined)
      throw new ReadError(`${counts.path} is not well-formed XML, after ${counts.lines} records that could be read`);
    yield found;
    found = [];
  }
  // An aborted test leaves its last tags open, but its recorded samples are complete.
  if (open.length > 0) counts.note('The file ends within a sample.');
}

function sampleOf(attributes: Readonly<Record<string, string>>, start: number): Observation | undefined {
  const durationMs = numberOf(attributes.t);
  if (Number.isNaN(start) || Number.isNaN(durationMs) || attributes.s === undefined) return undefined;
  return {
    start,
    durationMs,
    ...jmeterEnding(attributes.rc ?? '', attributes.s === 'true'),
    breaker: labelOf(attributes.lb),
    path: attributes.lb?.includes('://') ? attributes.lb : undefined,
    instance: attributes.hn,
  };
}
