import type { IncomingMessage } from 'node:http';
import type { Invariant } from './model/checker.ts';

/** What the Service does to streams on their way besides passing them on. */
export interface Tamper {
  path(request: IncomingMessage): string;
  body(request: IncomingMessage): ((chunk: Buffer) => Buffer) | undefined;
}

export interface TamperOptions {
  /** The namespace that nobody of this one may see. */
  readonly other: () => string;
  /** The operator told a service to give up its floors. */
  readonly reset: (service: string) => void;
}

/** Whom a violation on purpose befalls: it has no file to come back from. */
const VICTIM = 'checkout-2';

const RESET = '"reset":true';

/**
 * Watches the streams for resets and, with a plant, breaks an invariant that only the wire can break: I2 puts an agent
 * back to its first policies, I3 gives it another namespace's, I5 withholds all but heartbeats.
 */
export function tamperWith(plant: Invariant | undefined, { other, reset }: TamperOptions): Tamper {
  const withheld = withhold();
  return {
    path(request) {
      const url = new URL(request.url!, 'http://wire');
      if (plant === 'I3' && url.searchParams.get('service') === VICTIM) url.searchParams.set('namespace', other());
      return url.pathname + url.search;
    },
    body(request) {
      const url = new URL(request.url!, 'http://wire');
      const service = url.searchParams.get('service');
      if (url.pathname !== '/v1/stream' || service === null) return undefined;
      const watched = watchFor(RESET, () => reset(service));
      if (service !== VICTIM || (plant !== 'I2' && plant !== 'I5')) return watched;
      const change = plant === 'I2' ? goBack() : withheld;
      const whole = wholeEvents();
      return (chunk) => Buffer.from(whole(watched(chunk)).flatMap(change).join(''));
    },
  };
}

/** Passes everything on, and calls `seen` whenever the text passed. */
function watchFor(text: string, seen: () => void): (chunk: Buffer) => Buffer {
  let tail = '';
  return (chunk) => {
    const joined = tail + chunk.toString('latin1');
    if (joined.includes(text)) seen();
    tail = joined.slice(-(text.length - 1));
    return chunk;
  };
}

function wholeEvents(): (chunk: Buffer) => string[] {
  let rest = '';
  return (chunk) => {
    const events = (rest + chunk.toString('utf8')).split('\n\n');
    rest = events.pop()!;
    return events.map((event) => `${event}\n\n`);
  };
}

const is = (event: string, name: string) => event.includes(`event: ${name}\n`);

/** After the first change it empties the agent, and then gives it what it had first. */
function goBack(): (event: string) => string[] {
  let first: string[] | undefined;
  let under: string[] = [];
  let done = false;
  return (event) => {
    if (is(event, 'begin')) under = [];
    under.push(event);
    if (!is(event, 'commit') || done) return [event];
    const policies = under.some((one) => is(one, 'policy'));
    if (first === undefined) {
      if (policies) first = under;
      return [event];
    }
    if (!policies) return [event];
    done = true;
    const old = first.map((one) =>
      is(one, 'begin') ? one.replace(/"asOf":\{[^}]*\},|"base":"[^"]*",/g, '').replace('"patch"', '"snapshot"') : one,
    );
    const empty = old.filter((one) => is(one, 'begin') || is(one, 'commit'));
    return [event, ...empty, ...old];
  };
}

/**
 * From the first commit on, nothing comes but signs of life, whatever stream it is: the first commit of a stream that
 * begins late could be all that there is to know.
 */
function withhold(): (event: string) => string[] {
  let deaf = false;
  return (event) => {
    if (deaf) return is(event, 'hello') || is(event, 'heartbeat') ? [event] : [];
    deaf = is(event, 'commit');
    return [event];
  };
}
