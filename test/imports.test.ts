import { describe, expect, it } from '@jest/globals';
import { leanings, wrongArrows } from './imports.ts';
import { sources } from './repository.ts';

const arrows = (path: string, source: string) => wrongArrows(new Map([[path, source]]));

describe('the imports of this repository', () => {
  it('point inward and one way', () => {
    const files = sources('.ts');
    expect(files.size).toBeGreaterThan(10);
    expect(wrongArrows(files)).toEqual([]);
  });
});

describe('the walker', () => {
  it('sees every form of an import', () => {
    const source = `
      import { a, type B } from 'one';
      import type C from 'two';
      import { type D } from 'three';
      import 'four';
      export * from 'five';
      export { e as f } from 'six';
      const g = await import('seven');
      type H = import('eight').I;
      const j = require('nine');
      const k = await import(name);`;
    expect(leanings(source).imports).toEqual([
      { specifier: 'one', typeOnly: false, names: ['a', 'B'] },
      { specifier: 'two', typeOnly: true, names: ['*'] },
      { specifier: 'three', typeOnly: true, names: ['D'] },
      { specifier: 'four', typeOnly: false, names: ['*'] },
      { specifier: 'five', typeOnly: false, names: ['*'] },
      { specifier: 'six', typeOnly: false, names: ['e'] },
      { specifier: 'seven', typeOnly: false, names: ['*'] },
      { specifier: 'eight', typeOnly: true, names: ['*'] },
      { specifier: 'nine', typeOnly: false, names: ['*'] },
      { specifier: '(computed)', typeOnly: false, names: ['*'] },
    ]);
  });

  it('tells a global from a property, a key, a type and a computation of the same name', () => {
    const source = `
      const a = { Date: 1, process: b.process };
      let c: Date | undefined;
      const d = clock.performance.now() + Math.max(1, 2);
      const e = new Date(clock.now()).toISOString();`;
    expect(leanings(source).globals).toEqual([]);
  });

  it.each([
    ['a core that reads the wall clock', 'agent/src/core/window.ts', 'const now = Date.now();', 'uses Date'],
    ['a core that asks for today', 'agent/src/core/window.ts', 'const now = new Date();', 'uses Date'],
    ['a core that waits', 'agent/src/core/window.ts', 'setTimeout(() => {}, 5);', 'uses setTimeout'],
    ['a core that draws', 'agent/src/core/window.ts', 'const draw = Math.random;', 'uses Math.random'],
    [
      'a core with a default clock',
      'agent/src/core/a.ts',
      'const f = (c = performance) => c.now();',
      'uses performance',
    ],
    ['a core that reads files', 'operator/src/core/board.ts', "import fs from 'node:fs';", 'imports node:fs'],
    [
      'a core that looks outward',
      'agent/src/core/a.ts',
      "import type { X } from '../registry.ts';",
      'imports ../registry',
    ],
    [
      'a core with more of a pure builtin',
      'operator/src/core/a.ts',
      "import { randomBytes } from 'node:crypto';",
      'node:crypto',
    ],
    [
      'a core that loads later',
      'agent/src/core/a.ts',
      "const m = await import('../link/stream.ts');",
      'imports ../link',
    ],
    [
      'an agent that knows the operator',
      'agent/src/x.ts',
      "import '@fuseboard/operator';",
      'never imports the operator',
    ],
    [
      'an agent that climbs over',
      'agent/src/x.ts',
      "import { b } from '../../operator/src/b.ts';",
      'leaves its workspace',
    ],
    [
      'an operator that knows the agent',
      'operator/src/x.test.ts',
      "export * from '@fuseboard/agent/testing';",
      'never imports the agent',
    ],
    ['an agent that loads zod', 'agent/src/x.ts', "import { specProblems } from '@fuseboard/schema';", 'without zod'],
    ['an agent with a dependency', 'agent/src/link/x.ts', "import ky from 'ky';", 'no other package'],
    ['rules that lean on zod', 'crds/schema/src/rules.ts', "import { z } from 'zod';", 'leans on nothing'],
    [
      'a schema that knows the agent',
      'crds/schema/src/x.ts',
      "import type { A } from '@fuseboard/agent';",
      'neither agent nor',
    ],
    [
      'a reader of recorded calls that knows the agent',
      'traffic/src/formats/recording.ts',
      "import { Recorder } from '@fuseboard/agent';",
      'know nothing else of Fuseboard',
    ],
    [
      'a reader of recorded calls that climbs over',
      'traffic/test/read-text.test.ts',
      "import { b } from '../../agent/src/b.ts';",
      'leaves its workspace',
    ],
    [
      'a client in the wrong place',
      'operator/src/main.ts',
      "import { Watch } from '@kubernetes/client-node';",
      'only operator/src/kube',
    ],
    [
      'an adapter made elsewhere',
      'operator/src/controller.ts',
      "import { directory } from './sources/directory.ts';",
      'only main.ts',
    ],
    [
      'an adapter made by another',
      'operator/src/http/admin.ts',
      "import { lease } from '../kube/lease.ts';",
      'only main.ts',
    ],
  ])('refuses %s', (_name, path, source, complaint) => {
    expect(arrows(path, source)).toEqual([expect.stringContaining(complaint)]);
  });

  it.each([
    ['core within core', 'agent/src/core/a.ts', "import { b } from './b.ts';"],
    ['a hash in a core', 'operator/src/core/revision.ts', "import { createHash } from 'node:crypto';"],
    [
      'the schema in the core of the operator',
      'operator/src/core/a.ts',
      "import { specProblems } from '@fuseboard/schema';",
    ],
    [
      'modules without zod in the agent',
      'agent/src/core/a.ts',
      "import { DEFAULTS } from '@fuseboard/schema/defaults';",
    ],
    ['types of the schema in the agent', 'agent/src/a.ts', "import type { Report } from '@fuseboard/schema';"],
    ['types of an optional peer', 'agent/src/a.ts', "import type { Registry } from 'prom-client';"],
    ['recorded calls in a command', 'operator/src/commands/a.ts', "import { readCalls } from '@fuseboard/traffic';"],
    ['the composition root', 'operator/src/main.ts', "import { directory } from './sources/directory.ts';"],
    ['a command', 'operator/src/commands/serve.ts', "import { directory } from '../sources/directory.ts';"],
    ['the type of an adapter', 'operator/src/controller.ts', "import type { Source } from './sources/source.ts';"],
    [
      'the client in its place',
      'operator/src/sources/kubernetes.ts',
      "import { Watch } from '@kubernetes/client-node';",
    ],
    [
      'a reflector below its source',
      'operator/src/sources/kubernetes.ts',
      "import { reflect } from '../kube/reflector.ts';",
    ],
    ['a test on real parts', 'e2e/watch.e2e.test.ts', "import { reflect } from '../operator/src/kube/reflector.ts';"],
    ['a fake beside the tests', 'operator/test/server.ts', "import { KubeConfig } from '@kubernetes/client-node';"],
    ['a clock in the test of a core', 'agent/src/core/a.test.ts', 'const now = Date.now();'],
  ])('accepts %s', (_name, path, source) => {
    expect(arrows(path, source)).toEqual([]);
  });
});
