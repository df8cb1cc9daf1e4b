import { it } from '@jest/globals';
import { playMixedFleet } from './fleet/mixed-fleet.ts';

it('a fleet in Node and Python lives through apply, edit, override, rollback and the loss of its operator', async () => {
  await playMixedFleet({ node: 2, python: 2, say: () => {} });
}, 600_000);
