import { expect, it } from '@jest/globals';
import { KubeError } from './client.ts';
import { FailureLog } from './failure-log.ts';

it('is logged when it begins, when it changes, and when it is over', () => {
  const lines: string[] = [];
  const note = (_fields: object, message: string) => lines.push(message);
  const log = { info: note, warn: note };
  const trouble = new FailureLog({ what: 'the history', done: 'kept', needs: 'the verb list on revisions', log });
  trouble.succeeded();
  trouble.failed(new Error('refused'));
  trouble.failed(new Error('refused'));
  trouble.failed(new KubeError('may not', 403));
  trouble.failed(new KubeError('exceeded quota: few', 403));
  trouble.succeeded();
  trouble.succeeded();
  expect(lines).toEqual([
    'the history cannot be kept (no answer): refused; trying again',
    "the history cannot be kept (403): may not; grant the operator's account the verb list on revisions",
    'the history cannot be kept (403): exceeded quota: few; trying again',
    'the history can be kept again',
  ]);
});
