import { ReplayBreaker } from '@fuseboard/agent/testing';
import type { PolicySpec } from '@fuseboard/schema/types';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
import { readConfig } from '../../operator/src/config/config.ts';
import type { Access } from '../../operator/src/ports/access.ts';
import { AuthError } from '../../operator/src/ports/authenticator.ts';
import type { PolicyEditor } from '../../operator/src/ports/policy-editor.ts';
import { type Serving, serve } from '../../operator/src/serve.ts';
import { FLAGS, localAdapters } from '../../operator/test/local-operator.ts';
import { MemorySource, policy } from '../../operator/test/memory-source.ts';
import { type Doing, PlainAgent } from '../../operator/test/plain-agent.ts';
import { eventually } from '../cluster/run.ts';
import { barriers } from './accessibility.ts';
import { startBrowser } from './browser.ts';
import { screenshot } from './screenshots.ts';

const PATIENCE = { timeout: 30_000 };
const REPORT_S = 10;
/** Calls of one agent between two reports: 12 in a second. */
const CALLS = 120;
const HOUR_S = 3_600;

/** When a third of the calls and a few more fail, in seconds of an hour: below the threshold in force. */
const WORSE = { from: 1_500, until: 1_740 };
const WORSE_PERCENT = 36;

const SPEC: PolicySpec = {
  breakers: ['payments'],
  trip: { minimumCalls: 20, failureRate: { thresholdPercent: 50 } },
  recovery: { openDuration: '30s' },
};

/** Numbers from 0 to below 1 that follow from a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** The calls of a process, through the breaker of the agent under the policy that the operator pushed. */
class Process {
  readonly agent: PlainAgent;
  readonly #random: () => number;
  #breaker: ReplayBreaker;
  #spec: string;
  #changes: { from: string; to: string; at: number; reason: string }[] = [];
  /** Openings, rejected calls, and those of them that would have failed. */
  readonly counted = { openings: 0, rejected: 0, spared: 0 };

  constructor(agent: PlainAgent, seed: number) {
    this.agent = agent;
    this.#random = randomOf(seed);
    this.#spec = JSON.stringify(agent.spec('payments'));
    this.#breaker = this.#make();
  }

  #make(): ReplayBreaker {
    return new ReplayBreaker(this.agent.spec('payments')!, {
      startAt: now,
      onTransition: (change) => {
        this.#changes.push(change);
        if (change.from === 'closed' && change.to === 'open') this.counted.openings++;
      },
    });
  }

  /** Makes the calls before `now` and reports them. */
  async work(percentFailing: number): Promise<void> {
    const spec = JSON.stringify(this.agent.spec('payments'));
    if (spec !== this.#spec) {
      this.#spec = spec;
      this.#breaker = this.#make();
    }
    const doing = { succeeded: 0, failed: 0, rejected: 0 };
    for (let call = 0; call < CALLS; call++) {
      const at = now - REPORT_S * 1_000 + ((call + this.#random()) * REPORT_S * 1_000) / CALLS;
      const fails = this.#random() * 100 < percentFailing;
      const permit = this.#breaker.enter(at);
      if (permit === null) {
        doing.rejected++;
        this.counted.rejected++;
        if (fails) this.counted.spared++;
      } else {
        this.#breaker.settle(permit, fails ? 'failure' : 'success', at);
        doing[fails ? 'failed' : 'succeeded']++;
      }
    }
    const transitions = this.#changes
      .splice(0)
      .map(({ at, ...change }) => ({ ...change, agoMs: Math.round(now - at) }));
    const latency = [0, 0, 0, 0, 0, 0, 0, doing.succeeded + doing.failed];
    const state = this.#breaker.stateAt(now);
    await this.agent.report({ payments: { ...doing, latency, state, transitions } as Doing });
  }
}

let now = 1_000_000;
const wall = Date.UTC(2030, 0, 1, 2, 14) - now;
let serving: Serving;
let source: MemorySource;
let processes: Process[];
let browser: Browser;
let page: Page;
let going: NodeJS.Timeout;
const edits: { readonly spec: unknown; readonly authorization: string | undefined }[] = [];
const complaints: string[] = [];

/** A user is what the token says: an editor may do everything, a viewer only read. */
const access: Access = {
  method: 'review',
  user: async (authorization) => ({ name: authorization?.replace('Bearer ', '') ?? 'nobody', groups: [] }),
  check: async ({ name }, { verb, resource }) => {
    if (name !== 'editor' && verb === 'update')
      throw new AuthError('not-allowed', `"${name}" may not update ${resource}`);
  },
};

/** Stores a policy as an API server does: under a new generation. */
const policyEditor: PolicyEditor = {
  async replaceSpec(edited, spec, _, authorization) {
    edits.push({ spec, authorization });
    store(spec as PolicySpec, edited.generation + 1);
  },
};

const store = (spec: PolicySpec, generation: number) =>
  source.set([policy('payments', { spec, generation } as never)], String(generation));

/** An hour of calls: well, but for four minutes. */
async function hour(): Promise<void> {
  for (let second = 0; second < HOUR_S; second += REPORT_S) {
    now += REPORT_S * 1_000;
    const isWorse = second >= WORSE.from && second < WORSE.until;
    await Promise.all(processes.map((each) => each.work(isWorse ? WORSE_PERCENT : 0.5)));
  }
}

beforeAll(async () => {
  const log = pino({ level: 'silent' });
  source = new MemorySource();
  const clocks = { clock: { now: () => now }, wallClock: () => wall + now };
  serving = await serve(
    readConfig(FLAGS),
    { ...(await localAdapters(log)), ...clocks, source, access, policyEditor },
    log,
  );
  store(SPEC, 1);
  await eventually(async () => (await fetch(`${serving.metricsUrl}/readyz`)).ok);
  processes = [];
  for (const i of [1, 2]) {
    const agent = new PlainAgent(serving.agentsUrl, 'default', 'checkout', `checkout-7d9f-${i}`, () => now);
    processes.push(new Process(await agent.join(), i));
  }
  await hour();
  keepReporting();
  browser = await startBrowser();
}, 120_000);

afterEach(async () => {
  await page?.context().close();
  expect(complaints).toEqual([]);
});

afterAll(async () => {
  clearInterval(going);
  await browser?.close();
  for (const { agent } of processes ?? []) agent.close();
  await serving?.stop(0);
});

/** Reports continue, so that the page is live; the clock stands still, so that the hour stays what it is. */
function keepReporting(): void {
  going = setInterval(() => {
    for (const { agent } of processes) void agent.report({ payments: {} }).catch(() => {});
  }, 1_000);
}

/** Opens what-if as somebody. */
async function look(name: string) {
  const context = await browser.newContext({
    viewport: { width: 1_280, height: 1_180 },
    colorScheme: 'dark',
    timezoneId: 'UTC',
    extraHTTPHeaders: { authorization: `Bearer ${name}` },
  });
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${serving.adminUrl}/?namespace=default`);
  await page.getByRole('link', { name: 'payments', exact: true }).first().click();
  await page.getByRole('button', { name: 'Try other numbers' }).click();
  const result = page.locator('.panel .what-if');
  await result.getByRole('status').first().waitFor(PATIENCE);
  const figures = async (row: string) =>
    (
      await result
        .locator('tr', { has: page.getByRole('rowheader', { name: row, exact: true }) })
        .locator('td')
        .allInnerTexts()
    ).map((text) => Number(text.replace(/[^\d.]/g, '')));
  const threshold = result.getByRole('spinbutton', { name: 'failureRate, %', exact: true });
  const apply = result.getByRole('button', { name: 'Apply to the policy …' });
  return { result, figures, threshold, apply };
}

it('is not offered to somebody who may only view, who is told why', async () => {
  const { result, threshold, apply } = await look('viewer');
  await threshold.fill('30');
  await result.getByText('No applying: "viewer" may not update circuitbreakerpolicies').waitFor(PATIENCE);
  expect(await apply.isDisabled()).toBe(true);
  expect(await barriers(page)).toEqual([]);
  const answer = await page.request.post(`${serving.adminUrl}/v1/policies/default/payments/thresholds`, {
    data: { generation: 1, trip: {} },
  });
  expect([answer.status(), edits]).toEqual([403, []]);
}, 60_000);

it('says what the operator refuses, and changes nothing', async () => {
  const { threshold, apply } = await look('editor');
  await threshold.fill('30');
  await apply.click();
  await page.getByRole('dialog', { name: 'Apply these numbers to default/payments' }).waitFor(PATIENCE);
  await page.route('**/thresholds', (route) =>
    route.fulfill({ status: 409, json: { error: 'policy "payments" has changed' } }),
  );
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await page.getByRole('alert').getByText('policy "payments" has changed').waitFor(PATIENCE);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached', ...PATIENCE });
  expect(edits).toEqual([]);
}, 60_000);

it('applies numbers that were found on the page, and the same calls meet what it showed', async () => {
  const { result, figures, threshold, apply } = await look('editor');
  expect((await figures('opened')).slice(0, 3)).toEqual([0, 0, 0]);
  await threshold.fill('30');
  await result.getByText(/^With the edited numbers it opens \d+ times/).waitFor(PATIENCE);
  const shown = {
    openings: (await figures('opened'))[2]!,
    rejected: (await figures('calls refused'))[2]!,
    spared: (await figures('failures spared'))[2]!,
  };
  await apply.click();
  await page.getByRole('dialog').waitFor(PATIENCE);
  expect(await page.locator('dialog .edit').allInnerTexts()).toEqual(['trip.failureRate.thresholdPercent: 50 30']);
  await screenshot(page, 'what-if-apply');
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await result.getByText('Applied to default/payments; agents take it now.').waitFor(PATIENCE);
  const trip = { ...SPEC.trip, failureRate: { thresholdPercent: 30 } };
  expect(edits).toEqual([{ spec: { ...SPEC, trip }, authorization: 'Bearer editor' }]);
  await apply.waitFor({ state: 'detached', ...PATIENCE });
  await eventually(async () => {
    for (const { agent } of processes) expect(agent.spec('payments')).toMatchObject({ trip });
  });

  for (const { counted } of processes) expect(counted).toEqual({ openings: 0, rejected: 0, spared: 0 });
  clearInterval(going);
  await hour();
  keepReporting();
  const sum = (key: keyof Process['counted']) => processes.reduce((all, { counted }) => all + counted[key], 0);
  const met = { openings: sum('openings') / 2, rejected: sum('rejected'), spared: sum('spared') };
  console.log(`shown ${JSON.stringify(shown)}, then ${JSON.stringify(met)}`);
  expect(Math.abs(met.openings - shown.openings)).toBeLessThanOrEqual(2);
  expect(met.rejected / shown.rejected).toBeGreaterThan(0.8);
  expect(met.rejected / shown.rejected).toBeLessThan(1.2);
  expect(met.spared / shown.spared).toBeGreaterThan(0.8);
  expect(met.spared / shown.spared).toBeLessThan(1.2);
  // The page counts what was refused, and replays it with the new numbers in force.
  await eventually(async () => expect((await figures('calls refused'))[0]).toBe(met.rejected));
}, 120_000);
