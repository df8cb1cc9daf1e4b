/** A service that calls its breakers all the time, in good and bad times; SIGTERM ends it with a goodbye. */
import { getBreaker, start } from '@fuseboard/agent';

const EVERY_MS = 50;
const CALLS = 10;
const NAMES = ['load-0', 'load-1', 'load-2', 'partner-0-a', 'partner-1-b'];
/** The dependency is down for so long of each period. */
const [DOWN_MS, PERIOD_MS] = [5_000, 20_000];
/** The breaker whose circuits are kept for each key. */
const KEYED = 'load-3';
/** So many keys take turns, far more than have a circuit at a time. */
const KEYS = 500;

const agent = start();
let made = 0;

async function call(): Promise<void> {
  made += 1;
  const number = made;
  const down = performance.now() % PERIOD_MS < DOWN_MS;
  const name = NAMES[number % NAMES.length]!;
  const breaker = number % 7 === 0 ? getBreaker(KEYED).for(`host-${Math.floor(number / 50) % KEYS}`) : getBreaker(name);
  await breaker
    .execute(async () => {
      if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      if (down || number % 25 === 0) throw new Error('the partner is down');
    })
    .catch(() => {});
}

setInterval(() => {
  for (let i = 0; i < CALLS; i += 1) void call();
}, EVERY_MS);

process.on('SIGTERM', () => void agent.stop({ flushMs: 2_000 }).finally(() => process.exit()));
