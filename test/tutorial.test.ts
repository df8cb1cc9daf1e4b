import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../examples/offer-demo/address.ts';
import { copyRepository } from './copy.ts';
import { type Block, blocks } from './documents.ts';
import { read } from './repository.ts';

const PATH = 'docs/tutorial.md';
const PLAYED = '; test/tutorial.test.ts plays it';
/** How long a step, or what it waits for, may take on a machine that does other things too. */
const PATIENCE_MS = 120_000;

const text = read(PATH);
const lines = text.split('\n');
const story = blocks(PATH, text);
const isPlayed = ({ language, notRun }: Block) => language === 'bash' && notRun?.endsWith(PLAYED);
const begins = story.find(({ notRun }) => notRun?.startsWith('how each terminal begins'))!;

let copy: string;
let ports: Record<string, string>;
const children: ChildProcess[] = [];

/** What it says with the ports that are free here in the place of the usual ones. */
const here = (script: string) =>
  Object.entries(ports).reduce((all, [usual, free]) => all.replaceAll(`:${usual}`, `:${free}`), script);

/** Runs a block in a terminal of its own. */
function type(script: string): { child: ChildProcess; seen: { output: string } } {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_OPTIONS$|JEST_|FUSEBOARD_)/i.test(name),
  );
  const child = spawn('bash', ['-euo', 'pipefail', '-c', here(`${begins.text}\n${script}`)], {
    cwd: copy,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      PORT: ports['8720'],
      FUSEBOARD_PORT: ports['8700'],
      FUSEBOARD_METRICS_PORT: ports['8701'],
      FUSEBOARD_ADMIN_PORT: ports['8702'],
    },
  });
  children.push(child);
  const seen = { output: '' };
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      seen.output += part;
    });
  }
  return { child, seen };
}

async function ended({ child, seen }: ReturnType<typeof type>): Promise<string> {
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`ended with ${code}: ${seen.output}`);
  return seen.output;
}

beforeAll(async () => {
  copy = copyRepository();
  ports = {};
  for (const usual of ['8700', '8701', '8702', '8720']) ports[usual] = String(await freePort());
}, PATIENCE_MS);

afterAll(() => {
  for (const { pid, exitCode } of children) if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL');
  rmSync(copy, { recursive: true, force: true });
});

it('the tutorial goes as it says', async () => {
  for (const [at, block] of story.entries()) {
    const where = `${PATH}:${block.line}`;
    const path = /^Save as `([^`]+)`:$/m.exec(lines.slice(block.line - 5, block.line).join('\n'))?.[1];
    if (path !== undefined) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      writeFileSync(join(copy, path), block.text);
    } else if (isPlayed(block) && block !== begins) {
      const next = story[at + 1];
      const wanted = next?.language === 'text' ? here(next.text) : undefined;
      await step(block, wanted).catch((error: Error) => {
        throw new Error(`${where}: ${error.message}`);
      });
    }
  }
  expect(existsSync(join(copy, 'my-shop', 'stock-next.yaml'))).toBe(true);
  expect(readFileSync(join(copy, 'my-shop/policies/stock.yaml'), 'utf8')).toContain('consecutiveFailures: 5');
}, 600_000);

/** Commands that only look are asked again until they show what is wanted; what else is done is done once. */
const LOOKS = /^(fuseboard (status|get|describe|explain) [^\n]*|fuseboard status|curl -s \S+\/)\n$/;

async function step({ text: script, notRun }: Block, wanted: string | undefined): Promise<void> {
  if (notRun!.startsWith('does not end by itself')) {
    const { child, seen } = type(script);
    const port = script.includes('serve') ? ports['8702'] : ports['8720'];
    await until(
      () => fetch(`http://127.0.0.1:${port}/`),
      () => `ended with ${child.exitCode}: ${seen.output}`,
    );
    return;
  }
  let output = await ended(type(script));
  if (wanted === undefined) return;
  const pattern = shape(wanted);
  const deadline = performance.now() + PATIENCE_MS;
  while (!pattern.test(plain(output)) && LOOKS.test(script) && performance.now() < deadline) {
    await wait(500);
    output = await ended(type(script));
  }
  expect(plain(output)).toMatch(pattern);
}

async function until(attempt: () => Promise<unknown>, say: () => string): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; ; await wait(200)) {
    try {
      await attempt();
      return;
    } catch {
      if (performance.now() > deadline) throw new Error(say());
    }
  }
}

/** Columns are as wide as what stands in them, so blanks count as one. */
function plain(output: string): string {
  return output
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
    .trim();
}

/** What the output must be, where … stands for anything. */
function shape(wanted: string): RegExp {
  const parts = plain(wanted)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`);
}
