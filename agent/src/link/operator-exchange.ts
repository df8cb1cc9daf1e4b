import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { PROTOCOL } from '@fuseboard/schema/defaults';
import type { PolicySet } from '../breakers/policy-set.ts';
import type { Registry } from '../breakers/registry.ts';
import { UnprotectedWarnings } from '../breakers/unprotected.ts';
import { AGENT_VERSION } from '../version.ts';
import { LastGoodFile } from './last-good-file.ts';
import { Ledger, type LedgerHolder } from './ledger.ts';
import type { HeldPolicies } from './local/held-policies.ts';
import { lastGoodPath } from './local/last-good.ts';
import type { ResourceVersions } from './local/stored-set.ts';
import type { Message } from './messages.ts';
import { PolicyStore } from './policy-store.ts';
import { type AppliedSet, Reporter } from './reporter.ts';
import type { Settings } from './settings/settings.ts';
import { type Endpoint, Stream } from './stream.ts';
import type { Timers } from './timers.ts';

/** What the exchange needs of the link. */
interface ExchangeOptions {
  /** With the address of an operator. */
  readonly settings: Settings;
  readonly registry: Registry;
  readonly holder: LedgerHolder;
  readonly timers: Timers;
  readonly random: () => number;
  readonly warn: (message: string) => void;
  readonly held: HeldPolicies;
  /** When the set in force was applied, on the monotonic clock. */
  appliedAt(): number | undefined;
  apply(set: PolicySet): void;
  /** Warns of the rejected policies that were not rejected `before`. */
  warnRejected(before: HeldPolicies['rejections']): void;
  becameLive(): void;
}

/**
 * What a link sends to the operator and receives from it. It is in a file of its own, which is loaded only when there
 * is an operator.
 */
export class OperatorExchange {
  readonly #options: ExchangeOptions;
  readonly #store: PolicyStore;
  readonly #unprotected: UnprotectedWarnings;
  readonly #reporter: Reporter;
  readonly #stream: Stream;
  readonly #file: LastGoodFile | undefined;
  #unsubscribes: (() => void)[] = [];
  #live = false;
  #needsSnapshot = false;

  constructor(options: ExchangeOptions) {
    const { settings, registry, holder, timers, random, warn, held } = options;
    this.#options = options;
    this.#store = new PolicyStore(held);
    this.#unprotected = new UnprotectedWarnings(registry, true, warn);
    const path = lastGoodPath(settings);
    this.#file = path === undefined ? undefined : new LastGoodFile(path, timers, warn);
    holder.ledger ??= new Ledger(randomBytes(16).toString('hex'));
    const { ledger } = holder;
    const endpoint: Endpoint = {
      url: settings.url!,
      ...(settings.tokenFile ? { tokenFile: settings.tokenFile } : {}),
      ...(settings.caFile ? { caFile: settings.caFile } : {}),
    };
    const shared = { endpoint, timers, random, warn };
    const instance = `${hostname()}/${process.pid}/${threadId}`.slice(0, 512);
    this.#reporter = new Reporter({
      ...shared,
      identity: { service: settings.service, instance },
      ledger,
      ...(settings.namespace ? { namespace: settings.namespace } : {}),
      breakers: () => registry.reported((name, key) => ledger.isPending(name, key)),
      applied: () => this.#applied(),
      misdirected: () => this.#stream.reconnect('reports do not reach the replica that holds the stream'),
    });
    this.#stream = new Stream({
      ...shared,
      query: () => queryOf(settings, this.#store.asOf, instance, ledger.boot),
      resumeFrom: () => (this.#needsSnapshot ? undefined : this.#store.resumeFrom),
      received: (message) => this.#received(message),
      closed: () => {
        this.#live = false;
        this.#store.abandon();
        this.#reporter.detach();
      },
    });
  }

  /** Whether the policies in force are the operator's current ones, and the stream is up. */
  get isLive(): boolean {
    return this.#live;
  }

  start(): void {
    const { registry } = this.#options;
    this.#unsubscribes = [
      registry.onTransition((breaker, change) => this.#reporter.changed(breaker, change)),
      registry.onCreate((breaker) => {
        if (this.#live) this.#unprotected.add(breaker);
      }),
    ];
    this.#stream.start();
  }

  /** Reports soon what is in force. */
  acknowledge(): void {
    this.#reporter.acknowledge();
  }

  /** Sends the last counts and saves the policies to the file, within `flushMs`. */
  async bye(flushMs: number): Promise<void> {
    await Promise.all([this.#reporter.bye(flushMs), this.#file?.flush()]);
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    this.#stream.stop();
    this.#reporter.detach();
  }

  #received(message: Message): string | undefined {
    if (message.type === 'hello') {
      this.#store.abandon();
      this.#reporter.attach(message.reportUrl);
      return undefined;
    }
    const { registry, apply, warnRejected, becameLive } = this.#options;
    const before = this.#store.rejections;
    const outcome = this.#store.take(message);
    if (outcome.kind === 'reconnect') {
      this.#needsSnapshot ||= outcome.fresh;
      return outcome.message;
    }
    if (outcome.kind === 'none') return undefined;
    this.#needsSnapshot = false;
    warnRejected(before);
    if (outcome.kind === 'commit') {
      this.#live = true;
      apply(outcome.set);
      const stored = this.#store.stored();
      if (stored !== undefined) this.#file?.save(stored, outcome.reset);
      this.#unprotected.check(registry.breakers());
      becameLive();
    }
    this.#reporter.acknowledge();
    return undefined;
  }

  #applied(): AppliedSet {
    const { registry, timers, appliedAt } = this.#options;
    const { set, rejections } = this.#store;
    if (set === undefined || set.origin === 'bootstrap') return { rejections };
    const at = appliedAt();
    const now = timers.now();
    return {
      revision: set.revision,
      ...(at === undefined ? {} : { at }),
      rejections,
      guarded: registry.guarded,
      overrides: (registry.set?.overrides ?? []).filter(({ endsAt }) => endsAt > now).map(({ uid }) => uid),
    };
  }
}

function queryOf(settings: Settings, { policies, overrides }: ResourceVersions, instance: string, boot: string) {
  const list = (pairs: [string, string | undefined][]) =>
    pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`])).join(',');
  return new URLSearchParams({
    protocol: String(PROTOCOL),
    service: settings.service,
    instance,
    boot,
    labels: list(Object.entries(settings.labels)),
    since: list([
      ['policies', policies],
      ['overrides', overrides],
    ]),
    ...(settings.namespace ? { namespace: settings.namespace } : {}),
    language: 'node',
    version: AGENT_VERSION,
    runtime: process.versions.node,
  });
}
