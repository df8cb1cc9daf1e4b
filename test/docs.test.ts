import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import {
  BeginSchema,
  CommitSchema,
  GoawaySchema,
  HeartbeatSchema,
  HelloSchema,
  InSyncSchema,
  KIND,
  OVERRIDE_KIND,
  OverrideEventSchema,
  overrideProblems,
  PolicyEventSchema,
  RemoveSchema,
  ReportSchema,
  RoutesSchema,
  specProblems,
} from '@fuseboard/schema';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { copyRepository } from './copy.ts';
import { type Block, blocks, relativeLinks, streamEvents } from './documents.ts';
import { ROOT, sources } from './repository.ts';

const documents = sources('.md');
/** The documents whose blocks are run; what lies beside code is run by the tests of that code. */
const guides = [...documents].filter(([path]) => !path.includes('/') || path.startsWith('docs/'));
const all = guides.flatMap(([path, text]) => blocks(path, text));
const run = all.filter(({ notRun }) => notRun === undefined);
const written = (language: string): [string, Block][] =>
  run.filter((block) => block.language === language).map((block) => [`${block.path}:${block.line}`, block]);

/** How many blocks are not run, and where; each of them gives its reason on the line above. */
const NOT_RUN: Record<string, number> = {
  'CONTRIBUTING.md': 2,
  'README.md': 5,
  'docs/a-day.md': 14,
  'docs/certificates.md': 7,
  'docs/choose-thresholds.md': 5,
  'docs/coming-from.md': 5,
  'docs/faults.md': 2,
  'docs/from-opossum.md': 2,
  'docs/gitops.md': 2,
  'docs/history.md': 3,
  'docs/install.md': 12,
  'docs/metrics.md': 1,
  'docs/operations.md': 3,
  'docs/overrides.md': 4,
  'docs/policy.md': 1,
  'docs/recorded-series.md': 1,
  'docs/scaling.md': 1,
  'docs/tutorial.md': 30,
};

const EVENTS = {
  hello: HelloSchema,
  begin: BeginSchema,
  policy: PolicyEventSchema,
  override: OverrideEventSchema,
  remove: RemoveSchema,
  routes: RoutesSchema,
  commit: CommitSchema,
  insync: InSyncSchema,
  heartbeat: HeartbeatSchema,
  goaway: GoawaySchema,
};

describe('the documents', () => {
  it('link to files that exist', () => {
    const dead = [...documents].flatMap(([path, text]) =>
      relativeLinks(text)
        .filter((target) => !existsSync(join(ROOT, normalize(join(dirname(path), target)))))
        .map((target) => `${path}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it('have only blocks that a test knows how to run, or that say why they are not run', () => {
    // Blocks of Python are run by agent-python/tests/test_documents.py.
    const known = ['bash', 'ts', 'yaml', 'json', 'event-stream', 'mermaid', 'python'];
    const strange = run.filter(({ language }) => !known.includes(language));
    expect(strange.map(({ path, line, language }) => `${path}:${line} ${language}`)).toEqual([]);
  });

  it('leave as many blocks unrun as are counted here', () => {
    const counted: Record<string, number> = {};
    for (const { path, notRun } of all) if (notRun !== undefined) counted[path] = (counted[path] ?? 0) + 1;
    expect(counted).toEqual(NOT_RUN);
  });

  it.each(written('mermaid'))('%s draws a diagram of a known kind', (_where, { text }) => {
    expect(text).toMatch(/^(flowchart (LR|TB)|stateDiagram-v2|sequenceDiagram)\n/);
  });

  it.each(written('yaml'))('%s shows policies and overrides that the schema accepts', (_where, { text }) => {
    for (const document of parseAllDocuments(text)) {
      expect(document.errors).toEqual([]);
      const { kind, spec } = document.toJS() as { kind: string; spec: unknown };
      expect([KIND, OVERRIDE_KIND]).toContain(kind);
      expect(kind === KIND ? specProblems(spec) : overrideProblems(spec)).toEqual([]);
    }
  });

  it.each(written('json'))('%s shows a report', (_where, { text }) => {
    expect(ReportSchema.safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  it.each(written('event-stream'))('%s shows events of the stream', (_where, { text }) => {
    const events = streamEvents(text);
    expect(events.length).toBeGreaterThan(0);
    for (const { event, data } of events) {
      expect(Object.keys(EVENTS)).toContain(event);
      expect(EVENTS[event as keyof typeof EVENTS].safeParse(data).error).toBeUndefined();
    }
  });
});

describe('the code in the documents', () => {
  let copy: string;
  beforeAll(() => {
    copy = copyRepository();
  });
  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  });

  it('passes the type checker', async () => {
    const folder = join(copy, 'documents');
    mkdirSync(folder);
    for (const [where, { text }] of written('ts')) writeFileSync(join(folder, fileName(where)), text);
    const config = {
      extends: '../tsconfig.base.json',
      compilerOptions: { noEmit: true, noUnusedLocals: false },
      include: ['*.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await succeed('node node_modules/typescript/bin/tsc -p documents', copy);
  }, 120_000);

  it.each(written('ts'))(
    '%s runs',
    async (where, { text }) => {
      writeFileSync(join(copy, fileName(where)), text);
      await succeed(`node --conditions=fuseboard-source ${fileName(where)}`, copy);
    },
    60_000,
  );

  it.each(written('bash'))(
    '%s runs',
    async (_where, { text }) => {
      await succeed(text, copy);
    },
    300_000,
  );
});

describe('the reader of documents', () => {
  const text = '# A\n\n```ts\nconst a = 1;\n```\n\n<!-- not-run: needs a cluster -->\n```bash\nkubectl get cbp\n```\n';

  it('finds blocks with their line, language and reason not to be run', () => {
    expect(blocks('a.md', text)).toEqual([
      { path: 'a.md', line: 3, language: 'ts', text: 'const a = 1;\n' },
      { path: 'a.md', line: 8, language: 'bash', text: 'kubectl get cbp\n', notRun: 'needs a cluster' },
    ]);
  });

  it('finds links that lie in the repository, not those in code or elsewhere', () => {
    const links =
      '[a](b.md#c) ![d](e/f.svg) [g](https://h.example) [i](#j) `[k](l)` <img src="m.svg">\n```\n[n](o)\n```\n';
    expect(relativeLinks(links)).toEqual(['b.md', 'e/f.svg', 'm.svg']);
  });

  it('reads events with their data', () => {
    expect(streamEvents('event: remove\ndata: {"uid":"u"}\n\n: a comment\n\n')).toEqual([
      { event: 'remove', data: { uid: 'u' } },
    ]);
  });
});

function fileName(where: string): string {
  return `${where.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.ts`;
}

/** Runs a script as a reader would, in a shell of its own that knows nothing of this test run. */
async function succeed(script: string, cwd: string): Promise<void> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_OPTIONS$|JEST_|FUSEBOARD_)/i.test(name),
  );
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd,
    env: { ...Object.fromEntries(inherited), PATH: `${join(cwd, 'node_modules', '.bin')}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`ended with ${code}:\n${script}\n${output}`);
}
