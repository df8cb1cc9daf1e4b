import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { prettyInto } from './log.ts';

it('makes visible what would steer a terminal, in the message and in its facts', () => {
  const lines: string[] = [];
  prettyInto({ write: (line) => void lines.push(line) }).write(
    JSON.stringify({ time: '', level: 'info', msg: 'a\nb\x1b[2J', agent: 'pod\x1b[2J', reason: 'x\u009by z' }),
  );
  expect(lines.join('')).toMatch(/^[^\p{Cc}]*\n$/u);
  expect(lines.join('')).toContain('a\\u000ab\\u001b[2J  agent="pod\\u001b[2J"  reason="x\\u009by z"');
});

it('writes a line of JSON as text for a terminal', () => {
  const lines: string[] = [];
  const log = pino(
    {
      base: null,
      timestamp: () => ',"time":"2026-03-01T12:00:01.234Z"',
      formatters: { level: (level) => ({ level }) },
    },
    prettyInto({ write: (line) => void lines.push(line) }),
  );
  log.warn({ policy: 'payments', agents: 3, detail: 'two words' }, 'policy invalid');
  log.error({ err: new Error('no route') }, 'cannot answer');
  expect(lines).toEqual([
    '12:00:01.234 warn  policy invalid  policy=payments  agents=3  detail="two words"\n',
    '12:00:01.234 error cannot answer  error="no route"\n',
  ]);
});
