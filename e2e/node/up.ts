import { once } from 'node:events';
import { startScene } from './scene.ts';

/** Brings a cluster up for somebody to try things on, and removes it at Ctrl-C. */
const cluster = await startScene();
process.stdout.write(`${cluster.describe()}\nCtrl-C removes it.\n`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await cluster.down();
