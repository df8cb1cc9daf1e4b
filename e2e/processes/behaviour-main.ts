/** A service that puts a breaker through timed outcomes, driven over IPC, and says what each of them met. */
import { getBreaker, start } from '@fuseboard/agent';

export type Act =
  | 'ok'
  | 'fail'
  /** Ends well, but only after 30 ms. */
  | 'slow'
  /** Does not end. */
  | 'never'
  /** Begins a call that does not end, without waiting for it. */
  | 'hold'
  | { readonly throws: { name?: string; code?: string; headers?: Record<string, string> } }
  | { readonly returns: number }
  | { readonly until: 'closed' | 'open' | 'half-open' | 'empty window' }
  /** Fails whenever it is tried, and says how often that was. */
  | 'tries'
  /** A call whose answer the policy may give instead. */
  | { readonly answered: 'ok' | 'fail' }
  /** A call of one key. */
  | { readonly key: string; readonly call: 'ok' | 'fail' }
  /** Calls again and again, each ending well, until the circuit is closed. */
  | 'recover'
  /** Says how long it stays open, in full seconds. */
  | 'look'
  /** Says whether it stays open an hour at least. */
  | 'look for an hour';

/** A spec that code gives, or none where a policy governs. */
export interface Run {
  readonly id: number;
  readonly breaker: string;
  readonly defaults?: object;
  readonly acts: readonly Act[];
}

if (process.env.FUSEBOARD_URL) start();

async function run({ breaker: name, defaults, acts }: Run): Promise<string[]> {
  const breaker = getBreaker(name, defaults === undefined ? undefined : { defaults });
  if (defaults === undefined) await until(() => breaker.policy !== undefined);
  const met: string[] = [];
  for (const act of acts) met.push(`${await perform(breaker, act)}, ${breaker.state}`);
  return met;
}

const WORDS: Record<string, string> = {
  ERR_FUSEBOARD_OPEN: 'rejected',
  ERR_FUSEBOARD_TIMEOUT: 'timed out',
  ERR_FUSEBOARD_LIMITED: 'limited',
  ERR_FUSEBOARD_QUEUE_TIMEOUT: 'queued in vain',
};

type Subject = ReturnType<typeof getBreaker>;

async function perform(breaker: Subject, act: Act): Promise<string> {
  if (act === 'look') return `${Math.ceil(breaker.stats().retryAfterMs / 1_000)} s`;
  if (act === 'look for an hour') return `${breaker.stats().retryAfterMs > 3_590_000}`;
  if (act === 'recover') {
    await until(async () => (await attempt(breaker, 'ok')) === 'passed' && breaker.state === 'closed');
    return 'recovered';
  }
  if (act === 'hold') {
    let begun = false;
    breaker
      .execute(() => {
        begun = true;
        return new Promise(() => {});
      })
      .catch(() => {});
    return begun ? 'began' : 'rejected';
  }
  if (act === 'tries') {
    let tries = 0;
    const failing = async () => {
      tries++;
      throw new Error('the partner is down');
    };
    await breaker.execute(failing).catch(() => {});
    return `${tries} tries`;
  }
  if (typeof act === 'object' && 'answered' in act) {
    const policyFallback = { key: 'offer', parse: (value: unknown) => value };
    return `got ${await breaker.execute(() => outcomeOf(act.answered), { policyFallback })}`;
  }
  if (typeof act === 'object' && 'key' in act) return attempt(breaker.for(act.key), act.call);
  if (typeof act === 'object' && 'until' in act) {
    await until(() =>
      act.until === 'empty window' ? breaker.stats().window.calls === 0 : breaker.state === act.until,
    );
    return 'so';
  }
  return attempt(breaker, act);
}

async function attempt(breaker: Subject, act: Act): Promise<string> {
  try {
    await breaker.execute(() => outcomeOf(act));
    return 'passed';
  } catch (error) {
    return WORDS[(error as { code?: string }).code ?? ''] ?? 'failed';
  }
}

async function outcomeOf(act: Act): Promise<unknown> {
  if (act === 'fail') throw new Error('the partner is down');
  if (act === 'never') return new Promise(() => {});
  if (act === 'slow') await new Promise((resolve) => setTimeout(resolve, 30));
  if (typeof act === 'object' && 'throws' in act) throw Object.assign(new Error('the partner is down'), act.throws);
  return typeof act === 'object' && 'returns' in act ? new Response(null, { status: act.returns }) : 'fine';
}

async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 5));
}

process.on('message', (request: Run) => {
  run(request).then(
    (met) => process.send?.({ id: request.id, met }),
    (error: unknown) => process.send?.({ id: request.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 });
