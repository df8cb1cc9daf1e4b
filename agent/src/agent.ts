import { parseDuration } from '@fuseboard/schema/duration';
import { observeCalls } from './breakers/observers/call-observers.ts';
import { EarlyCalls } from './breakers/observers/early-calls.ts';
import { type FailureEvent, onFailure } from './breakers/observers/failure-events.ts';
import { type BreakerOptions, registry } from './breakers/registry.ts';
import { detached } from './clock/detached.ts';
import { ConfigError, shortenStack } from './errors/errors.ts';
import { atLeast, checkOptions, type Fields, problemOf } from './errors/options.ts';
import { safeWarn } from './errors/warnings.ts';
import type { LedgerHolder } from './link/ledger.ts';
import { Link, type LinkState } from './link/link.ts';
import { checkGuard, readSettings } from './link/settings/settings.ts';
import type { EnvironmentVariables, StartOptions } from './link/settings/start-options.ts';

/** Policies came into force. */
export interface AppliedEvent {
  /** The operator's name for exactly this set of policies. */
  readonly revision: string;
  /** Where the set came from. */
  readonly origin: 'stream' | 'last-good' | 'bootstrap';
}

/** The link of this process to the operator. */
export interface Agent {
  /** The current source of the policies; see `LinkState`. */
  readonly state: LinkState;
  /** The revision of the policies in force; absent while there are none. */
  readonly revision: string | undefined;
  /**
   * Calls the listener whenever a set of policies comes into force. A listener that throws causes a process warning.
   *
   * @returns a function that ends the subscription.
   * @throws {TypeError} for any other event.
   */
  on(event: 'applied', listener: (event: AppliedEvent) => void): () => void;
  /**
   * Calls the listener for each failure of each breaker of the process, before the breaker acts on it. It runs as part
   * of the call. Without a listener a failure costs no more than without this event.
   */
  on(event: 'failure', listener: (event: FailureEvent) => void): () => void;
  /**
   * Waits for the policies of the operator. Resolves with `Live` as soon as they are applied. After the timeout, or
   * without an operator, it resolves with the current state. It never rejects, so that a service can start without the
   * operator. It keeps the process alive while it waits.
   *
   * @param options.timeout a duration such as `2s`; absent: `5s`. Other options cause a warning, and 5 s apply.
   */
  ready(options?: { timeout?: string }): Promise<LinkState>;
  /**
   * Closes the link after a last report. The breakers keep their policies. Once the agent was stopped, `stop` does
   * nothing, even if the agent was started again: what `start` returned then stops it.
   *
   * @param options.flushMs the maximum time for that report, in milliseconds; absent: 500. Other options cause a
   *   warning, and 500 ms apply.
   */
  stop(options?: { flushMs?: number }): Promise<void>;
}

/** Shared by all copies of this package in a process, so that there is one link however often it is installed. */
interface Slot extends LedgerHolder {
  /** Whether the environment was read, and the link created if it names an operator. */
  hasStarted: boolean;
  /** Whether the environment was read for a recording. */
  hasReadRecording?: boolean;
  options?: StartOptions;
  link?: Link;
}

const KEY = Symbol.for('fuseboard.link/1');

const START_OPTIONS: Fields = {
  url: 'string',
  service: 'string',
  labels: ['an object of strings', isLabels],
  namespace: 'string',
  tokenFile: 'string',
  caFile: 'string',
  cacheDir: 'string',
  policies: 'string',
  guard: ['an object', (guard) => guard !== null],
  warn: 'function',
};
/** Other words for the options of `start`. */
const START_ALIASES = { address: 'url', endpoint: 'url', name: 'service', token: 'tokenFile', ca: 'caFile' };
const READY_OPTIONS: Fields = {
  timeout: ['a duration such as 2s or 500ms', (timeout) => parseDuration(timeout) !== undefined],
};
const STOP_OPTIONS: Fields = { flushMs: ['a number of milliseconds', atLeast(0)] };

function slot(): Slot {
  const holder = globalThis as { [KEY]?: Slot };
  holder[KEY] ??= { hasStarted: false };
  return holder[KEY];
}

/**
 * The circuit breaker of this name. The same name returns the same object in the whole process. The first call in a
 * process reads the bootstrap and last-good files; otherwise there is no I/O. If an operator is configured
 * (FUSEBOARD_URL, or the files that the chart mounts), the link starts in a later turn of the event loop.
 *
 * @param name letters, digits and `._:/-`, at most 128 characters.
 * @param options `defaults`: the spec while no policy governs the name; absent: calls pass and are counted.
 * @throws ConfigError when the name or the defaults are invalid.
 */
export function getBreaker(name: string, options?: BreakerOptions) {
  const own = slot();
  if (!own.hasStarted) startLink(own, {});
  try {
    return registry().getBreaker(name, options);
  } catch (error) {
    // The stack begins with the code that called, which is where the mistake is.
    if (error instanceof ConfigError) shortenStack(error, getBreaker);
    throw error;
  }
}

/**
 * Starts the link now, with these options. Not needed when the environment has all settings: then the first
 * `getBreaker` starts it. If the link has already started by itself, it reconnects with the options.
 *
 * @throws ConfigError when the link was already started with other options; `stop` it first.
 * @throws TypeError when an option, or a field of `guard`, does not exist or has a value that cannot be used.
 */
export function start(options: StartOptions = {}): Agent {
  checkOptions('start', options, START_OPTIONS, START_ALIASES);
  const own = slot();
  if (own.options !== undefined && !sameOptions(own.options, options)) {
    throw new ConfigError('', 0, 'start was already called with other options; call it once, or stop the agent first');
  }
  if (own.options === undefined) {
    const { guard = {} } = options;
    checkGuard(guard);
    own.link?.hangUp();
    own.options = { ...options };
    registry().useGuard({ ...guard });
    startLink(own, options);
  }
  const started = own.options;
  const warn = safeWarn(options.warn);
  const usable = <T extends object>(method: string, given: T, fields: Fields): Partial<T> => {
    const problem = problemOf(method, given, fields);
    if (problem === undefined) return given;
    warn(`${problem}; the default applies`);
    return {};
  };
  return {
    get state() {
      return own.link?.state ?? 'Defaults';
    },
    get revision() {
      return registry().set?.revision;
    },
    on(event: 'applied' | 'failure', listener: (event: AppliedEvent & FailureEvent) => void) {
      if (event !== 'applied' && event !== 'failure') {
        throw new TypeError(`an agent has no event "${String(event)}"; it has "applied" and "failure"`);
      }
      if (typeof listener !== 'function') throw new TypeError('on of the agent needs a listener, a function');
      if (event === 'failure') return onFailure(listener as (event: FailureEvent) => void);
      return registry().onApply((set) => {
        if (set !== undefined)
          (listener as (event: AppliedEvent) => void)({ revision: set.revision, origin: set.origin });
      });
    },
    async ready(options = {}) {
      const { timeout = '5s' } = usable('ready', options, READY_OPTIONS);
      return own.link === undefined ? 'Defaults' : own.link.ready(parseDuration(timeout)!);
    },
    async stop(options = {}) {
      if (own.options !== started) return;
      const { flushMs = 500 } = usable('stop', options, STOP_OPTIONS);
      const { link } = own;
      delete own.link;
      delete own.options;
      await detached(() => link?.stop(flushMs));
    },
  };
}

/** The current source of the policies of this process. */
export function linkState(): LinkState {
  return slot().link?.state ?? 'Defaults';
}

function isLabels(value: unknown): boolean {
  return Object(value) === value && Object.values(value as object).every((label) => typeof label === 'string');
}

function startLink(own: Slot, options: StartOptions): void {
  own.hasStarted = true;
  delete own.link;
  const { env } = process;
  const warn = safeWarn(options.warn);
  try {
    const settings = readSettings(options, env);
    if (settings.disabled) return;
    if (!own.hasReadRecording) {
      own.hasReadRecording = true;
      if (env.FUSEBOARD_RECORD) void detached(() => loadRecording({ ...env }, warn));
    }
    const link = new Link({ settings, registry: registry(), holder: own, warn });
    own.link = link;
    detached(() => link.load());
    // An immediate that is not referenced waits until something else wakes the event loop; a timer does not.
    const begin = () => {
      if (own.link === link) void link.start();
    };
    detached(() => setTimeout(begin, 0)).unref();
  } catch (error) {
    warn(`the link to the operator cannot be started: ${(error as Error).message}`);
  }
}

/** The calls that end while it is loaded are recorded too. */
async function loadRecording(env: EnvironmentVariables, warn: (message: string) => void): Promise<void> {
  const early = new EarlyCalls();
  const endEarly = observeCalls(early);
  try {
    const { recordAsEnvironmentSays } = await import('./telemetry/recording/recording.ts');
    recordAsEnvironmentSays(env, warn, early);
  } catch (error) {
    warn(`calls are not recorded: ${(error as Error).message}`);
  } finally {
    endEarly();
  }
}

function sameOptions(a: StartOptions, b: StartOptions): boolean {
  return a.warn === b.warn && JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
}

/** Lets JSON show an object as its fields in a fixed order, without those that are undefined. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort();
}
