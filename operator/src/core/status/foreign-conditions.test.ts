import { describe, expect, it } from '@jest/globals';
import { keepForeignConditions } from './foreign-conditions.ts';

const condition = (type: string, status = 'True') => ({ type, status });
const accepted = condition('Accepted', 'False');
const healthy = condition('Healthy');
const foreign = condition('example.com/Reviewed');

describe('conditions of others', () => {
  it.each([
    ['are none where there is no status yet', undefined, [accepted, healthy]],
    ['are none among ours', [condition('Healthy', 'False'), condition('Accepted')], [accepted, healthy]],
    ['stay in front of ours', [foreign, condition('Accepted')], [foreign, accepted, healthy]],
    ['stay between ours', [condition('Accepted'), foreign, condition('Healthy')], [accepted, foreign, healthy]],
    ['stay behind one of ours that goes away', [condition('Programmed'), foreign], [foreign, accepted, healthy]],
  ])('%s', (_name, stored, wanted) => {
    const status = stored && { conditions: stored };
    expect(keepForeignConditions({ observedGeneration: 2, conditions: [accepted, healthy] }, status)).toEqual({
      observedGeneration: 2,
      conditions: wanted,
    });
  });

  it('stay where we have nothing to say', () => {
    expect(keepForeignConditions({}, { conditions: [foreign] })).toEqual({ conditions: [foreign] });
  });
});
