import { EventDecoder } from '../../agent/src/link/event-stream.ts';
import { readMessage } from '../../agent/src/link/messages.ts';
import { PolicyStore } from '../../agent/src/link/policy-store.ts';
import { reportTarget } from '../../agent/src/link/report-target.ts';
import { asLines, corpus, must, type Target } from '../target.ts';

const OPERATOR_URL = new URL('https://fuseboard.example:8443/');

/** A whole stream, up to the policies that govern: at a commit all of it applies, before it nothing. */
export const session: Target = {
  name: 'session',
  corpus: corpus('event-stream'),
  share: 150,
  mutate: asLines,
  run(input) {
    const store = new PolicyStore();
    let commits = 0;
    for (const event of new EventDecoder().decode(input).events) {
      const message = readMessage(event);
      if (message === undefined) continue;
      if ('fault' in message) break;
      if (message.type === 'hello') {
        const { protocol, host } = reportTarget(OPERATOR_URL, message.reportUrl);
        must(['http:', 'https:'].includes(protocol), `reports would go to ${protocol}//${host}`);
      }
      const { set: before, asOf: floor } = store;
      const outcome = store.take(message);
      if (outcome.kind !== 'commit') {
        must(store.set === before, `"${message.type}" changed what governs, and it was no commit`);
        if (outcome.kind === 'reconnect') break;
        continue;
      }
      commits += 1;
      const { set, reset } = outcome;
      must(set === store.set, 'what was committed is not what governs');
      for (const [uid, { generation, config, text }] of set.policies) {
        must(config !== undefined && text !== undefined, `policy ${uid} governs and was not compiled`);
        const was = before?.policies.get(uid)?.generation ?? 0;
        must(reset || generation === 0 || generation >= was, `policy ${uid} went back from ${was} to ${generation}`);
      }
      const [low, high] = [BigInt(floor.policies ?? '0'), BigInt(store.asOf.policies ?? '0')];
      must(reset || high >= low, `the floor went back from ${low} to ${high}`);
    }
    return { sound: commits > 0, made: Buffer.byteLength(JSON.stringify(store.stored() ?? null)) };
  },
};
