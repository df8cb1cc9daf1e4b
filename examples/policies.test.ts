import { readdirSync, readFileSync } from 'node:fs';
import { GROUP, KIND, specProblems, VERSION } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: { readonly breakers: readonly string[] };
}

const folder = (name: string) => new URL(`${name}/`, import.meta.url);
const read = (url: URL) =>
  readdirSync(url).map((file) => ({
    file,
    documents: parseAllDocuments(readFileSync(new URL(file, url), 'utf8')).map((one) => one.toJS() as Resource),
  }));

const scenarios = read(folder('policies'));
const all = [...scenarios, ...read(folder('offer-demo/policies'))];

describe('the example policies', () => {
  it.each(all)('$file is a policy that the schema accepts', ({ documents }) => {
    expect(documents).toHaveLength(1);
    for (const { apiVersion, kind, spec } of documents) {
      expect({ apiVersion, kind }).toEqual({ apiVersion: `${GROUP}/${VERSION}`, kind: KIND });
      expect(specProblems(spec)).toEqual([]);
    }
  });

  it.each(all)('$file is named after its policy and leaves the namespace to kubectl', ({ file, documents }) => {
    expect(documents.map(({ metadata }) => metadata)).toEqual([{ name: file.replace('.yaml', '') }]);
  });

  it('govern a breaker each, so that all of them can be applied to one namespace', () => {
    const breakers = scenarios.flatMap(({ documents }) => documents.flatMap(({ spec }) => spec.breakers));
    expect(breakers.length).toBeGreaterThanOrEqual(5);
    expect(new Set(breakers).size).toBe(breakers.length);
  });
});
