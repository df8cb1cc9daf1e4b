/**
 * Many services in one process, each with an agent of its own that lives from what is mounted into its pod, as one in a
 * process would. Every service makes calls all the time and counts those that the breaker did not let through or broke.
 */
import { Registry } from '../../agent/src/breakers/registry.ts';
import { CoarseClock } from '../../agent/src/clock/coarse-clock.ts';
import { Link } from '../../agent/src/link/link.ts';
import { readSettings } from '../../agent/src/link/settings/settings.ts';

export interface Seat {
  /** The folder with token, ca.crt and url. */
  readonly folder: string;
  readonly count: number;
}

export interface Standing {
  readonly agents: number;
  readonly live: number;
  /** The least number of calls that any of the services has made. */
  readonly fewestCalls: number;
  readonly failedCalls: number;
  /** Agents by the generation of the policy that they run. */
  readonly generations: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

const CALL_EVERY_MS = 200;
const BREAKER = 'payments';

const clock = new CoarseClock();
const warnings: string[] = [];
let failedCalls = 0;

const services = (JSON.parse(process.argv[2]!) as Seat[]).flatMap(({ folder, count }) =>
  Array.from({ length: count }, () => service(folder)),
);

function service(folder: string) {
  const registry = new Registry({ clock, timeouts: clock });
  const mounts = { operator: folder, account: '/nowhere', cache: '/nowhere' };
  const link = new Link({
    settings: readSettings({}, {}, mounts),
    registry,
    holder: {},
    warn: (message) => warnings.push(message),
  });
  const breaker = registry.getBreaker(BREAKER);
  let calls = 0;
  link.load();
  void link.start();
  setInterval(async () => {
    try {
      if ((await breaker.execute(async () => 'paid')) !== 'paid') failedCalls += 1;
    } catch {
      failedCalls += 1;
    }
    calls += 1;
  }, CALL_EVERY_MS);
  return { link, breaker, calls: () => calls };
}

function standing(): Standing {
  const generations: Record<string, number> = {};
  for (const { breaker } of services) {
    const generation = String(breaker.policy?.generation);
    generations[generation] = (generations[generation] ?? 0) + 1;
  }
  return {
    agents: services.length,
    live: services.filter(({ link }) => link.state === 'Live').length,
    fewestCalls: Math.min(...services.map(({ calls }) => calls())),
    failedCalls,
    generations,
    warnings,
  };
}

process.on('message', (id: number) => process.send?.({ id, standing: standing() }));
process.on('disconnect', () => process.exit());
