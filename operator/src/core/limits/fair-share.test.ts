import { describe, expect, it } from '@jest/globals';
import { FairShare } from './fair-share.ts';

const takeAll = (share: FairShare, namespace: string, pod: string | undefined) => {
  let taken = 0;
  while (share.take(namespace, pod) === undefined) taken += 1;
  return taken;
};

describe('places that are shared', () => {
  it('leave room for others, however many pods of one namespace take all they can', () => {
    const share = new FairShare({ total: 9_000 });
    for (let pod = 0; pod < 1_000; pod += 1) takeAll(share, 'bank', `evil-${pod}`);
    expect(share.used).toBeLessThanOrEqual(8_001);
    for (let pod = 0; pod < 100; pod += 1) expect(share.take('shop', `good-${pod}`)).toBeUndefined();
  });

  it('go to one pod up to its bound, and to a pod without one up to its share', () => {
    expect(takeAll(new FairShare({ total: 1_000, perPod: 5 }), 'bank', 'evil')).toBe(5);
    expect(takeAll(new FairShare({ total: 1_700 }), 'bank', 'evil')).toBe(100);
  });

  it('are there again when they are given back', () => {
    const share = new FairShare({ total: 10, perPod: 1 });
    expect(share.take('shop', 'a')).toBeUndefined();
    expect(share.take('shop', 'a')).toBe('pod');
    share.release('shop', 'a');
    expect(share.used).toBe(0);
    expect(share.take('shop', 'a')).toBeUndefined();
  });

  it('of a holder without a pod are bounded by its namespace', () => {
    expect(takeAll(new FairShare({ total: 90 }), 'bank', undefined)).toBe(80);
    expect(new FairShare({ total: 90 }).take('bank', undefined, 80)).toBeUndefined();
    expect(new FairShare({ total: 90 }).take('bank', 'evil', 80)).toBe('all');
  });

  it('go to one namespace up to as many as are free, where it may have no more', () => {
    const share = new FairShare({ total: 90, namespaceShare: 1 });
    expect(takeAll(share, 'bank', undefined)).toBe(45);
    expect(takeAll(share, 'shop', undefined)).toBe(23);
  });
});
