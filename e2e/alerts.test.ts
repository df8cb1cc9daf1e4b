import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { run } from './cluster/run.ts';

const CHARTS = fileURLToPath(new URL('../charts', import.meta.url));

it('has rules that promtool accepts', async () => {
  const rules = join(CHARTS, 'fuseboard/rules');
  const files = (await readdir(rules)).map((file) => join(rules, file));
  expect(files.length).toBeGreaterThan(0);
  expect(await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...files])).toMatch(/SUCCESS/);
});

it('has alerts that fire and resolve, and records what it says', async () => {
  const files = (await readdir(CHARTS)).filter((file) => file.endsWith('.test.yaml'));
  expect(files).toEqual(['alerts.test.yaml', 'recording.test.yaml']);
  await run('promtool', ['test', 'rules', ...files], { cwd: CHARTS });
});

it('shows a collector a scrape configuration that promtool accepts', async () => {
  const guide = await readFile(join(CHARTS, '../docs/metrics.md'), 'utf8');
  const collector = parse(/```yaml\n(.*?)```/s.exec(guide)![1]!);
  const folder = await mkdtemp(join(tmpdir(), 'fuseboard-collector-'));
  try {
    const file = join(folder, 'prometheus.yml');
    const [job] = collector.receivers.prometheus.config.scrape_configs;
    // Debian's promtool is built without this way of finding targets.
    const { kubernetes_sd_configs: pods, ...rest } = job;
    expect(pods).toEqual([{ role: 'pod', namespaces: { names: ['fuseboard-system'] } }]);
    await writeFile(
      file,
      stringify({ scrape_configs: [{ ...rest, static_configs: [{ targets: ['127.0.0.1:8080'] }] }] }),
    );
    expect(await run('promtool', ['check', 'config', file])).toContain('SUCCESS');
  } finally {
    await rm(folder, { recursive: true });
  }
});
