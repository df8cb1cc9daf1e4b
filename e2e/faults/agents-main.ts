/** Agents as threads of a process of their own, started and killed over IPC. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Life } from './agent-worker.ts';

export type Request =
  | { readonly cmd: 'start'; readonly life: Life; readonly environment: Readonly<Record<string, string>> }
  /** Ends the thread where it is. */
  | { readonly cmd: 'kill'; readonly agent: string };

const threads = new Map<string, Worker>();

const answer = async (request: Request): Promise<unknown> => {
  if (request.cmd === 'kill') {
    await threads.get(request.agent)?.terminate();
    threads.delete(request.agent);
    return undefined;
  }
  const { life, environment } = request;
  const env = { ...process.env, ...environment };
  const worker = new Worker(new URL('./agent-worker.ts', import.meta.url), { workerData: life, env });
  threads.set(life.agent, worker);
  await once(worker, 'message');
  return undefined;
};

process.on('message', (message: { id: number } & Request) => {
  answer(message).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: unknown) => process.send?.({ id: message.id, error: String((error as Error).stack ?? error) }),
  );
});
process.on('disconnect', () => process.exit());
