/** The offer service: passes on the partner's hot offer, and answers with a cold one when it cannot get it. */
import { getBreaker } from '@fuseboard/agent';
import express from 'express';
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

const port = Number(process.env.PORT ?? 8711);
const partnerUrl = process.env.PARTNER_URL ?? `http://${HOST}:8710`;

const partner = getBreaker('partner-offer');
partner.on('transition', (event) => console.log(JSON.stringify(event)));

async function hotOffer(signal: AbortSignal): Promise<Offer> {
  const response = await fetch(`${partnerUrl}/offer`, { signal });
  if (!response.ok) throw new PartnerError(response.status);
  return (await response.json()) as Offer;
}

const app = express();

app.get('/offer', async (_request, response) => {
  response.json(await partner.execute(({ signal }) => hotOffer(signal), { fallback: () => COLD }));
});

app.listen(port, HOST, (error) => {
  if (error) throw error;
  console.log(`listening on http://${HOST}:${port}, the partner is ${partnerUrl}`);
});
