/** The offer service: passes on the partner's hot offer, and answers with a cold one when it cannot get it. */
import { getBreaker, start } from '@fuseboard/agent';
import { collectInto } from '@fuseboard/agent/prom-client';
import express from 'express';
import { Registry } from 'prom-client';
import { HOST } from './address.ts';

interface Offer {
  readonly temperature: 'hot' | 'cold';
  readonly offer: string;
}

/** An answer of the partner that is not an offer; policies judge it by its status. */
class PartnerError extends Error {
  override readonly name = 'PartnerError';
  readonly status: number;

  constructor(status: number) {
    super(`the partner answered ${status}`);
    this.status = status;
  }
}

const COLD: Offer = { temperature: 'cold', offer: 'the usual price, any day' };

/** How many changes of the circuit are remembered for `GET /offer/circuit`. */
const CHANGES = 20;

const port = Number(process.env.PORT ?? 8711);
const partnerUrl = process.env.PARTNER_URL ?? `http://${HOST}:8710`;

const partner = getBreaker('partner-offer');
const changes: string[] = [];
partner.on('transition', ({ from, to, reason }) => {
  changes.push(`${from} -> ${to}`);
  if (changes.length > CHANGES) changes.shift();
  console.log(`circuit ${partner.name}: ${from} -> ${to} (${reason})`);
});

async function hotOffer(signal: AbortSignal): Promise<Offer> {
  const response = await fetch(`${partnerUrl}/offer`, { signal });
  if (!response.ok) throw new PartnerError(response.status);
  return (await response.json()) as Offer;
}

const metrics = new Registry();
collectInto(metrics);

const app = express();

app.get('/offer', async (_request, response) => {
  const offer = await partner.execute(({ signal }) => hotOffer(signal), {
    fallback: (error) => {
      console.log(`a cold offer: ${error instanceof Error ? error.message : error}`);
      return COLD;
    },
  });
  response.json(offer);
});

app.get('/offer/circuit', (_request, response) => {
  const { state, consecutiveFailures, totals, retryAfterMs } = partner.stats();
  response.json({
    current_state: state,
    fail_counter: consecutiveFailures,
    fail_max: partner.policy?.spec.trip?.consecutiveFailures ?? null,
    policy: partner.policy?.name ?? null,
    totals,
    retry_after_ms: Math.round(retryAfterMs),
    changes,
  });
});

app.get('/metrics', async (_request, response) => {
  response.type(metrics.contentType).send(await metrics.metrics());
});

console.log(`policies: ${await start().ready({ timeout: '2s' })}`);

app.listen(port, HOST, (error) => {
  if (error) throw error;
  console.log(`listening on http://${HOST}:${port}, the partner is ${partnerUrl}`);
});
