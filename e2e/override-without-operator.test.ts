import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type CommandError, eventually } from './cluster/run.ts';
import { Shop, timed } from './processes/shop.ts';

jest.setTimeout(240_000);

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
}, 900_000);

afterAll(async () => {
  await shop?.close();
});

const REASON = 'the partner asked';

const refusal = async (attempt: Promise<unknown>): Promise<CommandError> => {
  try {
    await attempt;
  } catch (error) {
    return error as CommandError;
  }
  throw new Error('it was not refused');
};

/** Forces `payments` open for a time, as somebody with a kubeconfig. */
type ForceOpen = (duration: string, kubeconfig: string) => Promise<unknown>;

let made = 0;
const withKubectl: ForceOpen = (duration, kubeconfig) => {
  made += 1;
  const object = {
    apiVersion: 'fuseboard.dev/v1alpha1',
    kind: 'CircuitBreakerOverride',
    metadata: { name: `stop-${made}`, namespace: 'shop' },
    spec: { breakers: ['payments'], action: 'ForceOpen', reason: REASON, duration },
  };
  return shop.cluster.kubectl('create', '-f', '-', { input: JSON.stringify(object), kubeconfig });
};

const withCommandLine: ForceOpen = (duration, kubeconfig) => {
  const what = ['force-open', 'payments', '-n', 'shop', '--reason', REASON, '--for', duration];
  return shop.operator.command(...what, '--no-wait', '--kubeconfig', kubeconfig);
};

describe.each([
  {
    way: 'kubectl',
    forceOpen: withKubectl,
    code: 1,
    words: /User "system:serviceaccount:shop:viewer" cannot create resource "circuitbreakeroverrides"/,
  },
  {
    way: 'the command line',
    forceOpen: withCommandLine,
    code: 3,
    words:
      /^fuseboard: cluster "test" refused: .*User "system:serviceaccount:shop:viewer" cannot create resource "circuitbreakeroverrides"/m,
  },
])('payments forced open from $way', ({ way, forceOpen, code, words }) => {
  it('shows in every process within a second', async () => {
    const times = await shop.measured(way, () => timed(() => forceOpen('10m', shop.responder.kubeconfig)));
    expect(Math.min(...times)).toBeLessThan(1_000);
  });

  it('ends by itself in every process with the operator killed', async () => {
    await shop.outlasts(() => timed(() => forceOpen('12s', shop.responder.kubeconfig)));
  });

  it('is refused to somebody who may only view, who is told what is missing', async () => {
    await eventually(() => shop.cluster.kubectl('get', 'cbo', '-n', 'shop', { kubeconfig: shop.viewer.kubeconfig }));
    const refused = await refusal(forceOpen('10m', shop.viewer.kubeconfig));
    expect(refused).toMatchObject({ code, stderr: expect.stringMatching(words) });
    await shop.untouched();
  });
});
