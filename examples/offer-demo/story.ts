import type { Board, Pair } from './board.ts';
import { until } from './until.ts';

/** What `GET /offer/circuit` says. */
interface Circuit {
  readonly current_state: 'closed' | 'open' | 'half-open';
  readonly fail_counter: number;
  readonly fail_max: number | null;
  readonly changes: readonly string[];
}

/** How long any step of the story may take, in milliseconds. */
const PATIENCE_MS = 15_000;

/**
 * Plays the story of the two services, for each language that they run in, and checks each step of it: all under one
 * policy, which is edited once, while all of them run.
 *
 * @param tell takes a line for each step.
 * @throws Error that says which step went wrong, and how.
 */
export async function playStory(board: Board, tell: (line: string) => void): Promise<void> {
  const severalLanguages = board.pairs.length > 1;
  const teller = (pair: Pair) => (severalLanguages ? (line: string) => tell(`${pair.language}: ${line}`) : tell);
  for (const pair of board.pairs) await playOutage(pair, teller(pair));

  const saved = performance.now();
  board.edit('consecutiveFailures', 5);
  await Promise.all(board.pairs.map((pair) => applyEdit(pair, saved, teller(pair))));
  for (const pair of board.pairs) await playSecondOutage(pair, teller(pair));
}

/** The partner fails and recovers, under a policy of three failures in a row. */
async function playOutage(pair: Pair, tell: (line: string) => void): Promise<void> {
  const { offer, offers, circuit, partnerCalls } = requests(pair);

  await until('the policy in the service', async () => (await circuit()).fail_max === 3, patience);
  equal('the state at the beginning', (await circuit()).current_state, 'closed');
  tell('the service has its policy: 3 failures in a row open the circuit');

  equal('offers while the partner is well', await offers(3), 'hot hot hot');
  equal('calls that reached the partner', await partnerCalls(), 3);
  tell('the partner is well: hot hot hot');

  await flip(pair, true);
  equal('offers while the partner fails', await offers(2), 'cold cold');
  const almost = await circuit();
  equal('the state after two failures', almost.current_state, 'closed');
  equal('the failures counted', almost.fail_counter, 2);
  equal('the offer of the third failure', await offer(), 'cold');
  equal('the state after three failures', (await circuit()).current_state, 'open');
  equal('calls that reached the partner', await partnerCalls(), 6);
  tell('the partner fails: cold cold cold, and the circuit opens');

  equal('offers while the circuit is open', await offers(5), 'cold cold cold cold cold');
  equal('calls that reached the partner', await partnerCalls(), 6);
  tell('the circuit is open: five cold offers at once, the partner was not called');

  await flip(pair, false);
  await until('a hot offer after the open time', async () => (await offer()) === 'hot', patience);
  equal('calls that reached the partner', await partnerCalls(), 7);
  const recovered = await circuit();
  equal('the state after the probe', recovered.current_state, 'closed');
  equal(
    'the changes of the circuit',
    recovered.changes.join(', '),
    'closed -> open, open -> half-open, half-open -> closed',
  );
  tell('the partner is well again: after the open time one probe reached it, and the circuit closed');
  equal('offers after the recovery', await offers(3), 'hot hot hot');
}

async function applyEdit(pair: Pair, saved: number, tell: (line: string) => void): Promise<void> {
  const { circuit } = requests(pair);
  const isApplied = async () => (await circuit()).fail_max === 5;
  await until('the new threshold in the service', isApplied, { ...patience, every: 5 });
  const ms = Math.round(performance.now() - saved);
  tell(`consecutiveFailures 3 -> 5 was saved to the file; the service applied it ${ms} ms later`);
}

/** The partner fails again, under a policy of five failures in a row. */
async function playSecondOutage(pair: Pair, tell: (line: string) => void): Promise<void> {
  const { offer, offers, circuit } = requests(pair);
  await flip(pair, true);
  equal('offers while the partner fails again', await offers(4), 'cold cold cold cold');
  equal('the state after four failures', (await circuit()).current_state, 'closed');
  equal('the offer of the fifth failure', await offer(), 'cold');
  equal('the state after five failures', (await circuit()).current_state, 'open');
  tell('the partner fails again: the fifth failure opens the circuit, the third no longer does');
}

function requests(pair: Pair) {
  const offer = async () => (await get<{ temperature: string }>(`${pair.offerUrl}/offer`)).temperature;
  const offers = async (count: number) => {
    const seen: string[] = [];
    while (seen.length < count) seen.push(await offer());
    return seen.join(' ');
  };
  const circuit = () => get<Circuit>(`${pair.offerUrl}/offer/circuit`);
  const partnerCalls = async () => (await get<{ calls: number }>(`${pair.partnerUrl}/switch`)).calls;
  return { offer, offers, circuit, partnerCalls };
}

const patience = { within: PATIENCE_MS };

async function flip(pair: Pair, failing: boolean): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await get(`${pair.partnerUrl}/switch`, { method: 'POST', headers, body: JSON.stringify({ failing }) });
}

async function get<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

function equal<T>(what: string, seen: T, expected: T): void {
  if (seen !== expected) throw new Error(`${what}: expected ${expected}, saw ${seen}`);
}
