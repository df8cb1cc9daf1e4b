/**
 * Stands for `kubectl port-forward … LOCAL`, which needs a kubelet: forwards the local port to the one of FORWARD_TO on this
 * machine, where the process runs that stands for the pod.
 */
import { connect, createServer } from 'node:net';

const local = Number(process.argv.at(-1));
const target = Number(process.env.FORWARD_TO);

createServer((near) => {
  const far = connect(target, '127.0.0.1');
  near.pipe(far).pipe(near);
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy());
  }
}).listen(local, '127.0.0.1');
