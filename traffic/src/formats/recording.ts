import { OUTCOMES } from '../call.ts';
import { type Context, type Format, type LineParser, readLines } from './format.ts';
import { numberOf, parseObject, statusOf, textOf } from './json-value.ts';

const VERSION = 'calls/1';

/** Recordings of the agent: docs/recording.md describes the format. */
export const recording: Format = {
  name: 'recording',
  title: 'recording of the Fuseboard agent',
  matches: ({ lines }) => typeof parseObject(lines[0] ?? '')?.fuseboard === 'string',
  read: (blocks, context) => readLines(blocks, context, parser(context)),
};

function parser({ counts }: Context): LineParser {
  let instance: string | undefined;
  return {
    line(text, emit) {
      const record = parseObject(text);
      if (record === undefined) return false;
      if (record.fuseboard !== undefined) {
        if (record.fuseboard !== VERSION) {
          counts.note(
            `This recording is of version ${textOf(record.fuseboard)}; fields that ${VERSION} does not have are not read.`,
          );
        }
        instance = textOf(record.instance);
        const share = numberOf(record.share);
        if (share < 1) {
          counts.note(
            `Only ${share * 100} % of the processes recorded; each of them recorded all of its calls, so windows and runs are whole.`,
          );
        }
        return true;
      }
      if (record.lost !== undefined) {
        counts.note(
          '{} calls were not recorded because the buffer was full or the file could not be written; windows around them are thinner than they were.',
          numberOf(record.lost),
        );
        return true;
      }
      const outcome = OUTCOMES.find((one) => one === record.o);
      const start = numberOf(record.t);
      if (outcome === undefined || Number.isNaN(start) || typeof record.b !== 'string') return false;
      if (record.f === 0) counts.note('{} calls were made where no breaker was in force.');
      emit({
        start,
        durationMs: numberOf(record.d),
        outcome,
        status: statusOf(record.s),
        error: textOf(record.e),
        breaker: record.b,
        key: textOf(record.k),
        instance: textOf(record.i) ?? instance,
      });
      return true;
    },
  };
}
