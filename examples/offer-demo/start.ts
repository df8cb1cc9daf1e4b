/**
 * Starts the demo: the operator on a folder of policies, and two services. With `--once` it plays the story of the
 * services, checks it and ends, with 0 when all went as it should and 1 otherwise.
 */
import { execFileSync } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { HOST } from './address.ts';
import { Board, choosePorts, USUAL_PORTS } from './board.ts';
import { pythonEnvironment } from './python-environment.ts';
import { playStory } from './story.ts';

const { once, anyPorts, python, record } = new Command('npm start --')
  .description('Starts the operator on a folder of policies, a partner that can fail, and a service that calls it.')
  .option('--once', 'play the story of the services, check it, and end')
  .option('--any-ports', 'take any free ports instead of the usual ones; --once always does')
  .option(
    '--python',
    'run the same two services in Python too, under the same policy; needs python3 with venv, and pip',
  )
  .option('--record <file>', 'record the calls of the service in Node, to choose thresholds from')
  .parse()
  .opts<{ once?: boolean; anyPorts?: boolean; python?: boolean; record?: string }>();
const recording = record === undefined ? undefined : resolve(record);

const say = (line: string) => console.log(line);
const ports = await choosePorts(once || anyPorts ? {} : USUAL_PORTS);
const log: string[] = [];
const written = (name: string, line: string) => {
  const text = `${name.padEnd(python ? 10 : 8)} | ${line}`;
  if (once) log.push(text);
  else say(text);
};
const board = new Board(ports, written, python ? pythonEnvironment() : undefined, recording);

let ending: Promise<void> | undefined;
const end = (code: number): Promise<void> => {
  process.exitCode ||= code;
  ending ??= board.end();
  return ending;
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
// npm runs this below a shell that does not pass signals on: when that shell is gone, so is the reader of the demo.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void end(0);
}, 500).unref();

const PAGE = fileURLToPath(new URL('../../operator/web/build.ts', import.meta.url));

try {
  if (!once) execFileSync(process.execPath, [PAGE, '--if-stale'], { stdio: 'inherit' });
  const pids = await board.start();
  if (once) {
    await playStory(board, (line) => say(`- ${line}`));
    say('The story went as it should.');
    await end(0);
  } else {
    board.children.onLost = (name, how) => {
      say(`${name} ended: ${how}; ending the others`);
      void end(1);
    };
    guide(pids);
  }
} catch (error) {
  if (!ending) {
    for (const line of log) say(line);
    console.error(error instanceof Error ? error.message : error);
  }
  await end(1);
}

function guide(pids: Record<string, number>): void {
  const [{ partnerUrl, offerUrl }, inPython] = board.pairs;
  for (const [name, usual] of Object.entries(USUAL_PORTS)) {
    if (!python && name.startsWith('python')) continue;
    const taken = ports[name as keyof typeof ports];
    if (!anyPorts && taken !== usual) say(`port ${usual} (${name}) is taken; using ${taken}`);
  }
  const running = Object.entries(pids).map(([name, pid]) => `${name} (pid ${pid})`);
  const toggle = (failing: boolean) =>
    `curl ${partnerUrl}/switch -H 'content-type: application/json' -d '{"failing": ${failing}}'`;
  say(`
Running: ${running.join(', ')}

See it at http://${HOST}:${ports.admin}/ and try this in another terminal:

  # a hot offer, from the partner; and what the breaker knows
  curl ${offerUrl}/offer
  curl ${offerUrl}/offer/circuit

  # the partner fails: ask for three offers, then look at the circuit again
  ${toggle(true)}

  # the partner is well again
  ${toggle(false)}

  # another number is applied as soon as the file is saved; examples/offer-demo/policies stays as it is
  edit ${relative(process.cwd(), board.policyFile)}

  # the command line: what is refused now and was before, all breakers live, and an override for five minutes
  export FUSEBOARD_SERVER=http://${HOST}:${ports.admin}
  npm run -s fuseboard -- outages
  npm run -s fuseboard -- top
  npm run -s fuseboard -- force-open partner-offer --for 5m --reason "the partner is being moved"

  # for Prometheus: the breakers of the service, and the operator
  curl ${offerUrl}/metrics
  curl http://${HOST}:${ports.metrics}/metrics
${recording === undefined ? '' : `\n  # a policy from the calls that were recorded; save it as the file above to apply it\n  npm run -s fuseboard -- suggest --calls ${relative(process.cwd(), recording)}\n`}${inPython ? `\n  # the same in Python: its partner is at ${inPython.partnerUrl}\n  curl ${inPython.offerUrl}/offer/circuit\n` : ''}
Ctrl-C ends all of it. What the processes say:
`);
}
