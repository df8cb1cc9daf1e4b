import { EventDecoder, MAX_ROUTES_LENGTH, type StreamEvent } from '../../agent/src/link/event-stream.ts';
import { Random } from '../random.ts';
import { asLines, corpus, must, type Target } from '../target.ts';

interface Read {
  readonly events: readonly StreamEvent[];
  readonly fault: string | undefined;
}

function read(input: Buffer, cuts: readonly number[]): Read {
  const decoder = new EventDecoder();
  const events: StreamEvent[] = [];
  let fault: string | undefined;
  let from = 0;
  for (const to of [...cuts, input.length]) {
    const decoded = decoder.decode(input.subarray(from, to));
    must(fault === undefined || decoded.events.length === 0, 'events came after a fault');
    events.push(...decoded.events);
    fault = decoded.fault;
    from = to;
  }
  return { events, fault };
}

/** Makes one line longer than an event may be. */
function stretch(input: Buffer, random: Random): Buffer {
  const at = random.below(input.length + 1);
  const long = Buffer.alloc(120_000 + random.below(20_000), random.pick(['x', ':', '\r', 'é']));
  return Buffer.concat([input.subarray(0, at), long, input.subarray(at)]);
}

/** What an agent reads from the network. */
export const eventStream: Target = {
  name: 'event-stream',
  corpus: corpus('event-stream'),
  share: 250,
  mutate: (input, random) => (random.below(1_000) === 0 ? stretch(input, random) : asLines(input, random)),
  run(input) {
    const random = new Random(input.length);
    const whole = read(input, []);
    const cuts = Array.from({ length: 1 + random.size(40) }, () => random.below(input.length + 1)).sort(
      (a, b) => a - b,
    );
    const cut = read(input, cuts);
    must(cut.fault === whole.fault, `cut at ${cuts}, the fault is ${cut.fault}; whole it is ${whole.fault}`);
    must(JSON.stringify(cut.events) === JSON.stringify(whole.events), `cut at ${cuts}, other events come out`);
    const made = whole.events.reduce(
      (sum, { event, data, id = '' }) => sum + event.length + data.length + id.length,
      0,
    );
    must(made <= MAX_ROUTES_LENGTH + input.length, 'more came out than went in');
    return { sound: whole.fault === undefined && whole.events.length > 0, made };
  },
};
