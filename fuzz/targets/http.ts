import { connect } from 'node:net';
import { pino } from 'pino';
import { readConfig } from '../../operator/src/config/config.ts';
import { type Serving, serve } from '../../operator/src/serve.ts';
import { FLAGS, localAdapters } from '../../operator/test/local-operator.ts';
import { MemorySource, policy } from '../../operator/test/memory-source.ts';
import { asLines, corpus, must, type Target } from '../target.ts';

/** So wide that bytes and not their number are what is refused. */
const WIDE = {
  maxConnections: '1000',
  maxStreamsPerSecond: '100000',
  maxReportsPerPod: '100000',
};

let failures: string[] = [];
let serving: Promise<Serving> | undefined;

async function begin(): Promise<Serving> {
  const source = new MemorySource();
  const log = pino({ level: 'error' }, { write: (line: string) => void failures.push(line) });
  const started = await serve(readConfig({ ...FLAGS, ...WIDE }), { ...(await localAdapters(log)), source }, log);
  source.set([policy('payments')]);
  return started;
}

/** Sends bytes and gives back the beginning of the answer; nothing when the connection is closed or falls silent. */
function send(url: URL, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    const done = (text: string) => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(5_000, () => done(''));
    socket.once('data', (chunk) => done(chunk.toString('latin1')));
    socket.once('close', () => done(''));
    socket.once('error', () => done(''));
    socket.end(bytes);
  });
}

/** Bytes on the ports themselves. */
export const http: Target = {
  name: 'http',
  corpus: corpus('http'),
  share: 4,
  mutate: asLines,
  async run(input) {
    serving ??= begin();
    const { agentsUrl, adminUrl, metricsUrl } = await serving;
    failures = [];
    const urls = [agentsUrl, adminUrl, metricsUrl];
    const answer = await send(new URL(urls[input.length % urls.length]!), input);
    must(failures.length === 0, `the operator failed inside: ${failures[0]}`);
    if (answer === '') return { sound: false };
    const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) /.exec(answer)?.[1]);
    must(status >= 100 && status !== 500, `it answers ${JSON.stringify(answer.slice(0, 100))}`);
    return { sound: status < 300 };
  },
  async end() {
    await (await serving)?.stop(0);
    serving = undefined;
  },
};
