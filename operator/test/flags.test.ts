import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { serveCommand } from '../src/cli/commands/serve.ts';
import { FLAG_DEFAULTS } from '../src/config/defaults.ts';

const CHART_VALUES = new URL('../../charts/fuseboard/values.yaml', import.meta.url);

it('shows each default of the table in the help of serve, and no other', () => {
  const terminal = {} as never;
  const { options } = serveCommand(
    terminal,
    async () => ({}) as never,
    () => {},
  );
  const shown = options.flatMap((option) =>
    option.defaultValue === undefined ? [] : [[option.attributeName(), option.defaultValue]],
  );
  expect(Object.fromEntries(shown)).toEqual(FLAG_DEFAULTS);
});

it('has the same limits and log level in the values of the chart', async () => {
  const { agents, log } = parse(await readFile(CHART_VALUES, 'utf8'));
  const { allowTokensWithoutPod: _none, ...limits } = agents as Record<string, unknown>;
  expect(Object.keys(limits).length).toBeGreaterThan(5);
  for (const [name, value] of Object.entries(limits)) {
    expect([name, String(value)]).toEqual([name, FLAG_DEFAULTS[name as keyof typeof FLAG_DEFAULTS]]);
  }
  expect(log.level).toBe(FLAG_DEFAULTS.logLevel);
});
