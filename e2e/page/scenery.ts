import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Doing, PlainAgent } from '../../operator/test/plain-agent.ts';

const POLICIES = {
  'shop/payments': {
    breakers: ['payments'],
    trip: { minimumCalls: 20, failureRate: { thresholdPercent: 50 } },
    recovery: { openDuration: '30s' },
    timeout: { duration: '2s' },
  },
  'shop/partner-offers': { breakers: ['partner-*'], trip: { consecutiveFailures: 5 } },
  'shop/inventory': { breakers: ['inventory'], trip: { slowCallRate: { thresholdPercent: 80, slowerThan: '2s' } } },
  'shop/search': { mode: 'Shadow', breakers: ['search'], trip: { failureRate: { thresholdPercent: 30 } } },
  'shop/recommendations': { breakers: ['recommendations'], trip: { failureCount: 40 } },
  'shop/reviews': { breakers: ['reviews'], trip: { failureRate: { thresholdPercent: 60 } } },
  'billing/ledger': { breakers: ['ledger'], trip: { failureRate: { thresholdPercent: 25 } } },
  'billing/tax': { breakers: ['tax-*'], trip: { failureRate: { thresholdPercent: 50 } } },
  'billing/mail': {
    breakers: ['mail'],
    trip: { window: { type: 'Count', size: 100 }, failureRate: { thresholdPercent: 50 } },
  },
} as const;

const FAST = [0, 0, 0, 0, 0, 0, 0, 14, 10, 4, 2, 1];
const SLOW = [0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6, 3, 2, 2, 8, 6];

/** A shop in which something is wrong: policies in a folder, and agents of their services that say so. */
export class Scenery {
  readonly folder: string;
  readonly #agents: PlainAgent[] = [];
  #round = 0;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const [place, spec] of Object.entries(POLICIES)) {
      const [namespace, name] = place.split('/');
      const metadata = { name, namespace };
      this.#write(`${namespace}-${name}`, { metadata, spec });
    }
    const metadata = { name: 'legacy', namespace: 'shop' };
    this.#write('shop-legacy', { metadata, spec: { breakers: ['legacy'], trip: { failureCount: -1 } } });
  }

  /** Agents of three services connect. */
  async join(url: string): Promise<void> {
    for (const [namespace, service, count] of [
      ['shop', 'checkout', 5],
      ['shop', 'storefront', 3],
      ['billing', 'billing', 2],
    ] as const) {
      for (let i = 1; i <= count; i += 1) {
        this.#agents.push(await new PlainAgent(url, namespace, service, `${service}-7d9f-${i}`).join());
      }
    }
  }

  /** Every agent but the last reports once more; the circuits of payments open in the third round. */
  async report(): Promise<void> {
    this.#round += 1;
    const opened = this.#round >= 3;
    const now = this.#round === 3;
    const wave = 1 + 0.4 * Math.sin(this.#round / 2);
    const some = (count: number) => Math.round(count * wave);
    const [checkout, storefront, [billing]] = [
      this.#agents.slice(0, 5),
      this.#agents.slice(5, 8),
      this.#agents.slice(8),
    ];
    const open = (reason: string) => [{ from: 'closed', to: 'open', agoMs: 200, reason }] as const;
    await Promise.all([
      ...checkout.map((agent, i) => {
        const hit = i < 3;
        const failing = hit && this.#round >= 2;
        const payments: Doing = {
          succeeded: opened && hit ? 0 : some(failing ? 7 : 12),
          failed: opened && hit ? 0 : failing ? some(9) : i === 4 ? 1 : 0,
          rejected: opened && hit ? some(11) : 0,
          latency: FAST,
          state: opened && hit ? 'open' : 'closed',
          ...(now && hit && { transitions: [...open('failure-rate')] }),
        };
        const inventory: Doing = { succeeded: some(18), slow: some(6), latency: SLOW };
        return agent.report({ payments, inventory, 'feature-flags': { succeeded: some(4), latency: FAST } });
      }),
      ...storefront.map((agent, i) => {
        const shadow: Doing = {
          succeeded: some(9),
          failed: some(6),
          shadowRejected: some(4),
          latency: FAST,
          shadow: true,
        };
        return agent.report({
          search: {
            ...shadow,
            state: i < 2 && opened ? 'open' : 'closed',
            ...(i < 2 && now && { transitions: [...open('failure-rate')] }),
          },
          'partner-offers': {
            failed: 1,
            succeeded: i === 0 ? 0 : some(5),
            state: i === 0 && opened ? 'half-open' : 'closed',
            latency: FAST,
            ...(i === 0 &&
              now && {
                transitions: [
                  { from: 'closed', to: 'open', agoMs: 900, reason: 'consecutive-failures' },
                  { from: 'open', to: 'half-open', agoMs: 100, reason: 'open-duration-over' },
                ],
              }),
          },
          recommendations: { succeeded: some(20), failed: some(3), latency: FAST },
          reviews: { succeeded: some(8), latency: FAST },
        });
      }),
      billing!.report(
        { ledger: { succeeded: some(15), latency: FAST }, 'tax-eu': { succeeded: some(3), latency: SLOW } },
        [
          {
            uid: billing!.uid('mail')!,
            generation: 0,
            field: 'trip.window',
            message: 'this agent knows no Count window',
          },
        ],
      ),
      ...(this.#round === 1 ? [this.#agents[9]!.report({ mail: { succeeded: 4, latency: FAST } })] : []),
    ]);
  }

  close(): void {
    for (const agent of this.#agents) agent.close();
  }

  #write(file: string, rest: object): void {
    const policy = { apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy', ...rest };
    writeFileSync(join(this.folder, `${file}.yaml`), stringify(policy));
  }
}
