/** What the soaks of Node and of Python have in common: what they do to policies, and how they end. */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, tableOf } from './growth-table.ts';
import { policiesOf } from './policies.ts';
import { clusterStore, type Store } from './store.ts';

export const NAMESPACE = 'load';
export const POLICIES = 30;
export const MATCHED = 6;
export const MB = 1_000_000;

const EDIT_EVERY_MS = 700;
const PASSING_POLICIES = 5;
const PASSING_EVERY_MS = 5_000;

export const say = (line: string) => process.stderr.write(`${line}\n`);

/** Does some work again and again, with a pause after each turn, until the signal aborts. */
export async function every(
  over: AbortSignal,
  pauseMs: number,
  work: (turn: number) => Promise<unknown>,
): Promise<void> {
  for (let turn = 0; !over.aborted; turn += 1) {
    await work(turn);
    await sleep(pauseMs, undefined, { signal: over }).catch(() => {});
  }
}

/** Edits a policy, and makes and deletes policies that were never there before, until the signal aborts. */
export async function changePolicies(
  over: AbortSignal,
  store: Store,
  kubeconfig: string,
  seen: { edits: number; policies: number },
): Promise<void> {
  await Promise.all([
    every(over, EDIT_EVERY_MS, async () => {
      seen.edits += 1;
      // Small numbers, so that circuits of the services open under some of them.
      await store.edit(2 + (seen.edits % 20));
    }),
    every(over, PASSING_EVERY_MS, async () => {
      const fleeting = clusterStore(kubeconfig, NAMESPACE);
      const made = policiesOf(NAMESPACE, PASSING_POLICIES, PASSING_POLICIES).map((one) => {
        seen.policies += 1;
        const name = `passing-${seen.policies}`;
        return { ...one, metadata: { ...one.metadata, name }, spec: { ...one.spec, breakers: [name] } };
      });
      await fleeting.put(made);
      await sleep(1_000);
      await fleeting.clear();
    }),
  ]);
}

/** Prints the rows with what else was counted. */
export function report(rows: readonly Row[], counted: object): void {
  process.stdout.write(`${tableOf([...rows])}\n${JSON.stringify(counted)}\n`);
}

/** Names the rows that are not steady; returns the exit code. */
export function exitCodeOf(rows: readonly Row[]): number {
  const bad = rows.filter(({ verdict }) => verdict !== 'steady');
  for (const { process, quantity, verdict } of bad) say(`${quantity} of ${process}: ${verdict}`);
  return bad.length === 0 ? 0 : 1;
}

/** The machine, for the figures in a file. */
export const machineOf = (loadBefore: number) => ({
  cores: availableParallelism(),
  loadBefore,
  loadAfter: loadavg()[0]!,
});

/** Reads an option that is a number within bounds; exits with 2 and names it when it is not. */
export function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  say(`--${name}: must be a number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  process.exit(2);
}
