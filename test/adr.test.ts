import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ROOT, read } from './repository.ts';

const folder = 'docs/adr';
const records = readdirSync(ROOT + folder).filter((name) => /^\d{4}-/.test(name));

describe('the decision records', () => {
  it('are numbered without a gap', () => {
    expect(records.map((name) => Number(name.slice(0, 4)))).toEqual(records.map((_, i) => i + 1));
  });

  it.each(records)('%s has a title, a status and a date, as the index says', (name) => {
    const [title, , status] = read(`${folder}/${name}`).split('\n');
    const [, number, words] = /^# (\d{4}): (.+)$/.exec(title!) ?? [];
    const [, state, date] = /^Status: (accepted|superseded by \d{4}) · (\d{4}-\d{2}-\d{2})$/.exec(status!) ?? [];
    expect({ number, state, date }).toEqual({
      number: name.slice(0, 4),
      state: expect.any(String),
      date: expect.any(String),
    });
    expect(read(`${folder}/README.md`)).toContain(`| [${number}: ${words}](${name}) | ${state} | ${date} |`);
  });
});
