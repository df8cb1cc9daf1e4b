import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { read } from './repository.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
}
interface UnitTest {
  readonly alert_rule_test?: readonly {
    readonly alertname: string;
    readonly eval_time: string;
    readonly exp_alerts?: readonly object[];
  }[];
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples?: readonly object[] }[];
}

const rules = (file: string) =>
  (parse(read(`charts/fuseboard/rules/${file}.yaml`)) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    (group) => group.rules,
  );
const tests = (file: string) => (parse(read(`charts/${file}.test.yaml`)) as { tests: UnitTest[] }).tests;
const alerts = rules('alerts');
const names = alerts.map(({ alert }) => alert!);
const minutes = (time: string) => Number(/^(\d+)m$/.exec(time)![1]);

describe('every alert', () => {
  const checks = tests('alerts').flatMap(({ alert_rule_test = [] }) => alert_rule_test);

  it.each(names)('%s fires in a unit test, and is quiet before and after', (name) => {
    const times = (fires: boolean) =>
      checks
        .filter(({ alertname, exp_alerts }) => alertname === name && (exp_alerts !== undefined) === fires)
        .map(({ eval_time }) => minutes(eval_time));
    const [first] = times(true);
    expect(first).toBeDefined();
    expect(Math.min(...times(false))).toBeLessThan(first!);
    expect(Math.max(...times(false))).toBeGreaterThan(first!);
  });

  it('has one section of the guide, with what it means, where to look and what to do', () => {
    const sections = read('docs/alerts.md').split(/^## /m).slice(1);
    expect(sections.map((section) => section.slice(0, section.indexOf('\n')))).toEqual(names);
    for (const section of sections) {
      for (const part of ['**Means**: ', '**Look at**: ', '**Do**: ']) expect(section).toContain(part);
    }
  });

  it('has a row of the table of the guide, with its severity and a command', () => {
    const rows = read('docs/alerts.md').matchAll(/^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| `(?:fuseboard|kubectl) /gm);
    expect([...rows].map(([, ...row]) => row)).toEqual(
      alerts.map(({ alert, labels }) => [alert!, alert!.toLowerCase(), labels!.severity]),
    );
  });

  it('says what is the matter, how bad it is, and has a name of its own', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, annotations, labels } of alerts) {
      expect(alert).toMatch(/^Fuseboard[A-Z]\w+$/);
      expect(Object.keys(annotations ?? {})).toEqual(['summary', 'description']);
      expect(['warning', 'critical']).toContain(labels?.severity);
    }
  });
});

it.each(rules('recording').map(({ record }) => record!))('the recording rule %s has a unit test', (name) => {
  const checks = tests('recording').flatMap(({ promql_expr_test = [] }) => promql_expr_test);
  const own = checks.filter(({ expr }) => expr.includes(name));
  expect(own.flatMap(({ exp_samples = [] }) => exp_samples).length).toBeGreaterThan(0);
});
