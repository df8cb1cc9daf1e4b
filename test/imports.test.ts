import { describe, expect, it } from '@jest/globals';
import { leanings, wrongArrows } from './imports.ts';
import { sources } from './repository.ts';
import { crowdedRooms, FLOORS } from './rooms.ts';

const arrows = (path: string, source: string) => wrongArrows(new Map([[path, source]]));

describe('the imports of this repository', () => {
  it('point inward and one way', () => {
    const files = sources('.ts', '.tsx', '.py');
    for (const { root } of FLOORS) {
      expect([...files.keys()].filter((path) => path.startsWith(root)).length).toBeGreaterThan(10);
    }
    expect(wrongArrows(files)).toEqual([]);
  });

  it('leave every room small enough to be seen at a glance', () => {
    expect(crowdedRooms(sources('.ts').keys())).toEqual([]);
    const many = Array.from({ length: 15 }, (_, i) => `agent/src/call/file-${i}.ts`);
    expect(crowdedRooms([...many, 'agent/src/call/more.test.ts'])).toEqual(['agent/src/call: 15']);
  });

  it('go round in no circle', () => {
    const circle = new Map([
      ['operator/src/core/fleet/a.ts', "import { b } from './b.ts';"],
      ['operator/src/core/fleet/b.ts', "import { c } from './c.ts';"],
      ['operator/src/core/fleet/c.ts', "import { a } from './a.ts';"],
    ]);
    expect(wrongArrows(circle)).toEqual([
      'run-time circle: operator/src/core/fleet/a.ts <-> operator/src/core/fleet/b.ts <-> operator/src/core/fleet/c.ts; move what they share into a file of its own',
    ]);
    const python = new Map([
      ['agent-python/src/fuseboard/core/a.py', 'from .b import b'],
      ['agent-python/src/fuseboard/core/b.py', 'from . import a'],
    ]);
    expect(wrongArrows(python)).toEqual([expect.stringMatching(/^run-time circle: .*a\.py <-> .*b\.py/)]);
    const types = (folder: string) =>
      wrongArrows(
        new Map([
          [`${folder}/a.ts`, "import { b } from './b.ts';"],
          [`${folder}/b.ts`, "import type { A } from './a.ts';"],
        ]),
      );
    expect(types('operator/src/core/fleet')).toEqual([expect.stringMatching(/^type circle: /)]);
    expect(types('agent/src/core')).toEqual([]);
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
      { specifier: 'seven', typeOnly: false, names: ['*'], lazy: true },
      { specifier: 'eight', typeOnly: true, names: ['*'] },
      { specifier: 'nine', typeOnly: false, names: ['*'] },
      { specifier: '(computed)', typeOnly: false, names: ['*'], lazy: true },
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
    ['a core that reads the wall clock', 'agent/src/core/windows/window.ts', 'const now = Date.now();', 'uses Date'],
    ['a core that asks for today', 'agent/src/core/windows/window.ts', 'const now = new Date();', 'uses Date'],
    ['a core that waits', 'agent/src/core/windows/window.ts', 'setTimeout(() => {}, 5);', 'uses setTimeout'],
    ['a core that draws', 'agent/src/core/windows/window.ts', 'const draw = Math.random;', 'uses Math.random'],
    [
      'a core with a default clock',
      'agent/src/core/a.ts',
      'const f = (c = performance) => c.now();',
      'uses performance',
    ],
    [
      'a core that reads files',
      'operator/src/core/delivery/snapshot.ts',
      "import fs from 'node:fs';",
      'imports node:fs',
    ],
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
    [
      'a simulator that knows the operator',
      'simulator/src/x.ts',
      "import '@fuseboard/operator';",
      'simulator never imports',
    ],
    [
      'a command that brings the agent along',
      'operator/src/cli/commands/simulate.ts',
      "import { simulate } from '@fuseboard/simulator';",
      'await import',
    ],
    [
      'an operator that simulates',
      'operator/src/control/x.ts',
      "const { simulate } = await import('@fuseboard/simulator');",
      'only commands simulate',
    ],
    ['an agent that loads zod', 'agent/src/x.ts', "import { specProblems } from '@fuseboard/schema';", 'without zod'],
    ['an agent with a dependency', 'agent/src/link/x.ts', "import ky from 'ky';", 'no other package'],
    ['rules that lean on zod', 'crds/schema/src/rules.ts', "import { z } from 'zod';", 'leans on nothing'],
    ['a compatible package with a dependency', 'compat/opossum/src/x.ts', "import ky from 'ky';", 'public entry'],
    [
      'a compatible package that looks into the agent',
      'compat/opossum/src/x.ts',
      "import { Registry } from '../../../agent/src/registry.ts';",
      'leaves its workspace',
    ],
    [
      'a compatible package that knows the operator',
      'compat/opossum/test/x.ts',
      "import { serve } from '@fuseboard/operator';",
      'never imports the operator',
    ],
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
      'operator/src/control/controller.ts',
      "import { directory } from '../sources/directory.ts';",
      'control/ is further in than sources/',
    ],
    [
      'a breaker that knows its link',
      'agent/src/breakers/a.ts',
      "import '../link/link.ts';",
      'breakers/ is further in',
    ],
    ['a port that knows an adapter', 'operator/src/ports/a.ts', "import '../http/server.ts';", 'ports/ is further in'],
    [
      'a policy that knows the fleet',
      'operator/src/core/policy/a.ts',
      "import { Fleet } from '../fleet/fleet.ts';",
      'core/policy/ is further in than core/fleet/',
    ],
    ['a room of the core that nobody placed', 'operator/src/core/attic/a.ts', "import '../clock.ts';", 'test/rooms.ts'],
    ['a room that nobody placed', 'agent/src/attic/a.ts', "import '../core/clock.ts';", 'not in test/rooms.ts'],
    [
      'a core in Python that knows its link',
      'agent-python/src/fuseboard/core/circuit.py',
      'from ..link.limits import MAX_NAMES',
      'core/ is further in than link/',
    ],
    [
      'a call in Python that loads breakers when it runs',
      'agent-python/src/fuseboard/call/block.py',
      'def f() -> None:\n    from ..breakers.registry import (\n        Registry,  # why\n    )',
      'call/ is further in than breakers/',
    ],
    [
      'a link in Python that takes the public entry',
      'agent-python/src/fuseboard/link/link.py',
      'import fuseboard',
      'link/ is further in than __init__.py',
    ],
    [
      'a room in Python that nobody placed',
      'agent-python/src/fuseboard/attic/a.py',
      'from ..core.text import printable',
      'test/rooms.ts',
    ],
    [
      'a replay that knows its report',
      'simulator/src/replay/replay.ts',
      "import { plot } from '../report/plots.ts';",
      'replay/ is further in than report/',
    ],
    [
      'a format that knows who reads it',
      'traffic/src/formats/envoy.ts',
      "import { readCalls } from '../read.ts';",
      'formats/ is further in than read.ts',
    ],
    [
      'a model of the page that knows a panel',
      'operator/web/src/model.ts',
      "import { Panel } from './panel.tsx';",
      'model.ts is further in than *',
    ],
    [
      'a component that knows the page',
      'operator/web/src/what-if/apply.tsx',
      "import { App } from '../app.tsx'; const a = <b>c</b>;",
      '* is further in than app.tsx',
    ],
    [
      'a page that brings the server along',
      'operator/web/src/panel.tsx',
      "import { answer } from '../../src/http/problem.ts';",
      'core/ and ports/ of the operator alone',
    ],
    [
      'an adapter made by another',
      'operator/src/http/admin/admin.ts',
      "import { lease } from '../../kube/replication/lease.ts';",
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
    [
      'the public agent in a compatible package',
      'compat/opossum/src/a.ts',
      "import { start } from '@fuseboard/agent';",
    ],
    ['types of the schema in the agent', 'agent/src/a.ts', "import type { Report } from '@fuseboard/schema';"],
    ['types of an optional peer', 'agent/src/a.ts', "import type { Registry } from 'prom-client';"],
    [
      'a simulation in a command',
      'operator/src/cli/commands/simulate.ts',
      "import type { Simulation } from '@fuseboard/simulator'; const s = await import('@fuseboard/simulator');",
    ],
    ['recorded calls in a command', 'operator/src/commands/a.ts', "import { readCalls } from '@fuseboard/traffic';"],
    ['the composition root', 'operator/src/main.ts', "import { directory } from './sources/directory.ts';"],
    ['a command', 'operator/src/cli/commands/serve.ts', "import { directory } from '../../sources/directory.ts';"],
    [
      'the type of an adapter',
      'operator/src/control/controller.ts',
      "import type { Source } from '../ports/source.ts';",
    ],
    [
      'the client in its place',
      'operator/src/sources/kubernetes.ts',
      "import { Watch } from '@kubernetes/client-node';",
    ],
    [
      'a reflector below its source',
      'operator/src/sources/kubernetes.ts',
      "import { reflect } from '../kube/api/reflector.ts';",
    ],
    [
      'a test on real parts',
      'e2e/watch.e2e.test.ts',
      "import { reflect } from '../operator/src/kube/api/reflector.ts';",
    ],
    ['a fake beside the tests', 'operator/test/server.ts', "import { KubeConfig } from '@kubernetes/client-node';"],
    [
      'types of a breaker in a call in Python',
      'agent-python/src/fuseboard/call/block.py',
      'if TYPE_CHECKING:\n    from ..core.permit import Permit\n    from ..breakers.breaker import Breaker',
    ],
    [
      'an import that a docstring shows',
      'agent-python/src/fuseboard/core/permit.py',
      '"""Permits.\n\nfrom fuseboard import start\n"""',
    ],
    [
      'types of an answer in the page',
      'operator/web/src/panel.tsx',
      "import type { A } from '../../src/http/admin/answers/agents.ts';",
    ],
    ['a clock in the test of a core', 'agent/src/core/a.test.ts', 'const now = Date.now();'],
  ])('accepts %s', (_name, path, source) => {
    expect(arrows(path, source)).toEqual([]);
  });
});
