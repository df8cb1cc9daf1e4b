import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { propertyRuns } from '../../test/property-runs.ts';
import { RouteIndex } from './routes.ts';

describe('routes', () => {
  it('are decided by the first that matches, as going through the list would', () => {
    const name = fc.stringMatching(/^[ab]{1,4}$/);
    const pattern = fc.oneof(
      name,
      name.map((text) => `${text}*`),
      fc.constant('*'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(pattern, fc.uuid()), { maxLength: 12, size: 'max' }), name, (routes, breaker) => {
        const first = routes.find(([each]) =>
          each.endsWith('*') ? breaker.startsWith(each.slice(0, -1)) : each === breaker,
        );
        expect(new RouteIndex(routes).uidFor(breaker)).toBe(first?.[1]);
      }),
      { numRuns: propertyRuns(500) },
    );
  });
});
