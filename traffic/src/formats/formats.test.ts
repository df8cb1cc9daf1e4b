import { describe, expect, it } from '@jest/globals';
import { readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';
import type { FieldName } from '../options.ts';
import { FORMAT_NAMES } from './format-name.ts';
import { formatTitles } from './formats.ts';

const FIELDS: Partial<Record<string, Partial<Record<FieldName, string>>>> = {
  csv: { time: 'when', status: 'code' },
  ndjson: { time: 'ts', duration: 'http.ms', status: 'http.code' },
};
const fieldsOf = (name: string) => (FIELDS[name] === undefined ? {} : { fields: FIELDS[name] });

describe('detection', () => {
  it.each(FORMAT_NAMES)('tells %s by its first lines', async (name) => {
    const { summary } = await readText(SAMPLES[name], fieldsOf(name));
    expect(summary.format).toBe(name);
    expect(summary.files[0]!.title).toBe(formatTitles().get(name));
    expect(summary.badLines).toBe(0);
    expect(summary.calls).toBeGreaterThan(0);
  });

  it.each(FORMAT_NAMES)('reads %s by its name as by detection', async (name) => {
    const detected = await readText(SAMPLES[name], fieldsOf(name));
    const named = await readText(SAMPLES[name], { format: name, ...fieldsOf(name) });
    expect(named.calls).toEqual(detected.calls);
  });
});

describe('what a recording holds of persons', () => {
  it.each(FORMAT_NAMES)('is in no call and in no summary of %s', async (name) => {
    const { calls, summary } = await readText(SAMPLES[name], fieldsOf(name));
    const kept = JSON.stringify([
      calls,
      { ...summary, breakers: [...summary.breakers], instances: [...summary.instances] },
    ]);
    for (const secret of ['203.0.113', '10.0.', 'voucher', 's3cret', '4111', 'alice', 'curl', '88123', '81273']) {
      expect(kept).not.toContain(secret);
    }
  });
});
