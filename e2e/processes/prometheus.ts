import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../examples/offer-demo/address.ts';
import { Daemon } from '../cluster/process.ts';

/** What is scraped every second, by the name of its job. */
export type Jobs = Readonly<Record<string, { readonly port: number; readonly labels?: Record<string, string> }>>;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

export interface LoadedRule {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  readonly state?: 'inactive' | 'pending' | 'firing';
  readonly alerts?: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
}

/** A real Prometheus on a loopback port, with a folder of its own. */
export class Prometheus {
  readonly #url: string;
  readonly #daemon: Daemon;
  readonly #folder: string;

  private constructor(url: string, daemon: Daemon, folder: string) {
    this.#url = url;
    this.#daemon = daemon;
    this.#folder = folder;
  }

  /**
   * Starts it and waits until it is ready. Labels of a target give way to those of its metrics, as the chart's monitors
   * ask for.
   */
  static async start(jobs: Jobs, ruleFiles: readonly string[] = []): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-prometheus-'));
    const port = await freePort();
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ruleFiles,
      scrape_configs: Object.entries(jobs).map(([job, { port: at, labels = {} }]) => ({
        job_name: job,
        honor_labels: true,
        static_configs: [{ targets: [`127.0.0.1:${at}`], labels }],
      })),
    };
    await writeFile(join(folder, 'prometheus.yml'), stringify(config));
    const flags = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const daemon = new Daemon('prometheus', 'prometheus', flags, join(folder, 'log'));
    const url = `http://127.0.0.1:${port}`;
    await daemon.until(async () => (await fetch(`${url}/-/ready`)).ok);
    return new Prometheus(url, daemon, folder);
  }

  query(expression: string): Promise<Sample[]> {
    return this.#get<{ result: Sample[] }>('/api/v1/query', { query: expression }).then(({ result }) => result);
  }

  /** The values of a label over the series that a selector matches. */
  labelValues(selector: string, label: string): Promise<string[]> {
    return this.#get(`/api/v1/label/${label}/values`, { 'match[]': selector });
  }

  async rules(): Promise<LoadedRule[]> {
    const { groups } = await this.#get<{ groups: { rules: LoadedRule[] }[] }>('/api/v1/rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #get<T>(path: string, query: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.#url}${path}?${new URLSearchParams(query)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${JSON.stringify(query)}: ${answer.error}`);
    return answer.data;
  }
}

/** Runs `promtool check metrics`; resolves with its complaints, which are empty when there are none. */
export async function checkMetrics(text: string): Promise<string> {
  const child = execFile('promtool', ['check', 'metrics']);
  let output = '';
  child.stdout?.on('data', (part: string) => (output += part));
  child.stderr?.on('data', (part: string) => (output += part));
  child.stdin?.end(text);
  const [code] = (await once(child, 'close')) as [number];
  return code === 0 ? output.trim() : `exit ${code}: ${output}`;
}
