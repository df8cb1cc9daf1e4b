import { describe, expect, it } from '@jest/globals';
import type { OutageRow } from '../../src/core/outages/outage-row.ts';
import { iconOf, newOutages } from './attention.ts';

const outage = (id: string) => ({ id, namespace: 'shop' }) as OutageRow;

describe('the icon of the tab', () => {
  it('has the number of open breakers, as far as it fits', () => {
    expect(iconOf(0)).toBe('icon.svg');
    expect(decodeURIComponent(iconOf(7))).toContain('>7</text>');
    expect(decodeURIComponent(iconOf(412))).toContain('>99+</text>');
  });
});

describe('a notification', () => {
  it('is due for outages that began while the page was open', () => {
    const news = newOutages();
    expect(news([outage('a')])).toEqual([]);
    expect(news([outage('a'), outage('b')])).toEqual([outage('b')]);
    expect(news([outage('b')])).toEqual([]);
    expect(news([outage('c'), outage('a')])).toEqual([outage('c'), outage('a')]);
  });
});
