/**
 * The offer service: a hot offer from the partner or a cold one of its own, with the breaker that it is told to use.
 */
import { Agent, createServer, request } from 'node:http';
import { getBreaker } from '@fuseboard/agent';
import CircuitBreaker from 'opossum';

const TIMEOUT_MS = 500;
const [breaker, partnerPort] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 400 });

function hot(signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: partnerPort, agent, signal }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

const cold = (): string => '{"temperature":"cold"}';

/** An offer, whatever the partner does; each way gives up after the same time. */
const ways: Record<string, () => () => Promise<string>> = {
  none: () => () => hot(AbortSignal.timeout(TIMEOUT_MS)).catch(cold),
  fuseboard: () => {
    const partner = getBreaker('partner', {
      defaults: {
        trip: { window: { type: 'Time', duration: '1s' }, minimumCalls: 20, failureRate: { thresholdPercent: 50 } },
        recovery: { openDuration: '500ms' },
        timeout: { duration: `${TIMEOUT_MS}ms` },
      },
    });
    return () => partner.execute(({ signal }) => hot(signal), { fallback: cold });
  },
  opossum: () => {
    const partner = new CircuitBreaker(() => hot(AbortSignal.timeout(TIMEOUT_MS)), {
      timeout: TIMEOUT_MS,
      errorThresholdPercentage: 50,
      volumeThreshold: 20,
      rollingCountTimeout: 1_000,
      resetTimeout: 500,
    });
    partner.fallback(cold);
    return () => partner.fire();
  },
};

const offer = ways[breaker ?? '']!();
let hotOffers = 0;
const server = createServer(async (_request, response) => {
  const text = await offer();
  if (text !== cold()) hotOffers++;
  response.end(text);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
process.on('message', () => process.send?.(hotOffers));
process.once('disconnect', () => process.exit());
