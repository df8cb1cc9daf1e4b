/**
 * A service with breakers, driven over IPC by a test: it makes the calls that it is told to make and says what its
 * breakers did. Everything else (URL, labels, cache folder) comes from the environment, as in a real service.
 */
import { subscribe } from 'node:diagnostics_channel';
import { getBreaker, start } from '@fuseboard/agent';

/** What a test may ask of the process. */
export type Request =
  | { cmd: 'call'; breaker: string; outcomes: readonly ('ok' | 'fail')[]; optIn?: boolean }
  | { cmd: 'stats'; breaker: string }
  | { cmd: 'link' }
  | { cmd: 'stop' };

const agent = start();
const beganWith = agent.state;
agent.on('applied', ({ revision }) => process.send?.({ event: 'applied', revision, at: Date.now() }));
subscribe('fuseboard:transition', (message) => {
  const { breaker, event } = message as { breaker: { name: string }; event: { from: string; to: string } };
  process.send?.({ event: 'transition', breaker: breaker.name, from: event.from, to: event.to, at: Date.now() });
});

const policyFallback = { key: 'any', parse: (value: unknown) => value };

const call = async (name: string, outcome: 'ok' | 'fail', optIn = false) => {
  try {
    await getBreaker(name).execute(
      async () => {
        if (outcome === 'fail') throw new Error('the partner is down');
      },
      optIn ? { policyFallback } : undefined,
    );
    return 'passed';
  } catch (error) {
    return (error as { code?: string }).code === 'ERR_FUSEBOARD_OPEN' ? 'rejected' : 'failed';
  }
};

const answer = async (request: Request): Promise<unknown> => {
  switch (request.cmd) {
    case 'call': {
      const results: string[] = [];
      for (const outcome of request.outcomes) results.push(await call(request.breaker, outcome, request.optIn));
      return results;
    }
    case 'stats':
      return { ...getBreaker(request.breaker).stats(), policy: getBreaker(request.breaker).policy };
    case 'link':
      return { state: agent.state, revision: agent.revision };
    case 'stop':
      return agent.stop({ flushMs: 500 });
  }
};

process.on('message', (message: { id: number } & Request) => {
  answer(message).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ event: 'ready', beganWith });
