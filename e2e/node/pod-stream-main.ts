/**
 * Posts the pod of its first line on stdin as a dry run again and again until stdin ends, and prints what became of
 * them.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';

interface Job {
  readonly pod: { readonly metadata: { readonly namespace: string } };
  readonly everyMs: number;
}

interface KubeConfig {
  readonly clusters: readonly [{ cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: readonly [{ user: { token: string } }];
}

const { clusters, users } = parse(readFileSync(process.env.KUBECONFIG!, 'utf8')) as KubeConfig;
const { server, 'certificate-authority-data': authority } = clusters[0].cluster;
const agent = new Agent({ keepAlive: true, ca: Buffer.from(authority, 'base64') });
const headers = { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' };

let created = 0;
const uninjected: string[] = [];
const refused: string[] = [];
const open = new Set<Promise<void>>();

function post({ pod }: Job): Promise<void> {
  const at = new Date().toISOString();
  const begun = performance.now();
  const url = `${server}/api/v1/namespaces/${pod.metadata.namespace}/pods?dryRun=All`;
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode !== 201) refused.push(`${at} ${response.statusCode} ${text.slice(0, 200)}`);
        else {
          created += 1;
          const { metadata } = JSON.parse(text) as { metadata: { labels: Record<string, string> } };
          if (metadata.labels['fuseboard.dev/injected'] !== 'true') {
            uninjected.push(`${at} ${Math.round(performance.now() - begun)} ms`);
          }
        }
        resolve();
      });
    });
    sent.on('error', (error) => {
      refused.push(`${at} ${error.message}`);
      resolve();
    });
    sent.end(JSON.stringify(pod));
  });
}

const lines = createInterface({ input: process.stdin });
let timer: NodeJS.Timeout | undefined;
lines.once('line', (line) => {
  const job = JSON.parse(line) as Job;
  timer = setInterval(() => {
    const one = post(job).finally(() => open.delete(one));
    open.add(one);
  }, job.everyMs);
});
lines.once('close', async () => {
  clearInterval(timer);
  await Promise.all(open);
  agent.destroy();
  console.log(JSON.stringify({ created, uninjected, refused }));
});
