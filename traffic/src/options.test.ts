import { describe, expect, it } from '@jest/globals';
import { parseExclusion, parseFields, parseSelector } from './options.ts';
import { statusSet } from './status-set.ts';

describe('options as a person writes them', () => {
  it('select an attribute or a part of it', () => {
    expect(parseSelector('host')).toEqual({ attribute: 'host' });
    expect(parseSelector('path=/^\\/api\\/([^/]+)/').pattern!.exec('/api/orders/1')![1]).toBe('orders');
  });

  it('exclude by a value with wildcards or by a pattern', () => {
    const health = parseExclusion('path=/health*');
    expect(['/healthz', '/health', '/a/health'].map(health.matches)).toEqual([true, true, false]);
    const robots = parseExclusion('agent=/bot/i');
    expect(['Googlebot/2.1', 'curl'].map(robots.matches)).toEqual([true, false]);
  });

  it('name fields', () => {
    expect(parseFields('status=code, time=ts')).toEqual({ status: 'code', time: 'ts' });
  });

  it.each([
    [() => parseSelector('colour'), '"colour" names no attribute; use one of breaker, host'],
    [() => parseSelector('path=/(/'), '"path=/(/" holds no regular expression'],
    [() => parseExclusion('healthz'), 'write an attribute and a value, such as path=/healthz'],
    [() => parseFields('colour=red'), '"colour=red" names no field'],
    [() => statusSet(['5x']), '"5x" is no status; write 503, 5xx or 500-504'],
  ])('say what is wrong (%#)', (parse, message) => {
    expect(parse).toThrow(message);
  });

  it('write statuses one by one, by the hundred and as ranges', () => {
    const has = statusSet(['429', '5xx', '301-302', '0']);
    expect([0, 200, 301, 302, 303, 429, 499, 500, 599, 600].filter(has)).toEqual([0, 301, 302, 429, 500, 599]);
  });
});
