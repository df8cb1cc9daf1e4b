/**
 * Writes agent/api/: the public types of every entry of the built package, so that a change of the public interface is
 * seen in review. With `--check` it writes nothing and fails when a report is stale. Needs `npm run build` first.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type IConfigFile,
} from '@microsoft/api-extractor';
import manifest from './package.json' with { type: 'json' };

const here = import.meta.dirname;
const folder = join(here, 'api');
const isCheck = process.argv.includes('--check');
const quiet = { default: { logLevel: ExtractorLogLevel.None } };
const made = mkdtempSync(join(tmpdir(), 'fuseboard-api-'));

const entries = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'string' ? [] : [basename(target.require, '.js')],
);
const declarations = entries.map((entry) => join(here, 'dist/cjs', `${entry}.d.ts`));
const options = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  target: 'es2022',
  lib: ['es2022', 'esnext.disposable'],
  strict: true,
  types: ['node'],
  skipLibCheck: true,
  experimentalDecorators: true,
  esModuleInterop: true,
};

function configOf(entry: string): ExtractorConfig {
  const configObject: IConfigFile = {
    projectFolder: here,
    mainEntryPointFilePath: join(here, 'dist/cjs', `${entry}.d.ts`),
    compiler: { overrideTsconfig: { compilerOptions: options, files: declarations } },
    apiReport: { enabled: true, reportFolder: made, reportTempFolder: join(made, 'temp'), reportFileName: entry },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: 'lf',
    messages: { compilerMessageReporting: quiet, extractorMessageReporting: quiet, tsdocMessageReporting: quiet },
  };
  const packageJsonFullPath = join(here, 'package.json');
  return ExtractorConfig.prepare({ configObject, packageJsonFullPath, configObjectFullPath: undefined });
}

try {
  const configs = entries.map(configOf);
  const compilerState = CompilerState.create(configs[0]!, { additionalEntryPoints: declarations });
  for (const config of configs) {
    const messageCallback = (message: { handled: boolean }) => {
      message.handled = true;
    };
    const { succeeded } = Extractor.invoke(config, { localBuild: true, compilerState, messageCallback });
    if (!succeeded) throw new Error(`the public types of ${config.mainEntryPointFilePath} cannot be read`);
  }
  const reports = new Map(
    entries.map((entry) => [`${entry}.api.md`, readFileSync(join(made, `${entry}.api.md`), 'utf8')]),
  );
  mkdirSync(folder, { recursive: true });
  const stale = [...new Set([...reports.keys(), ...readdirSync(folder)])].filter(
    (name) => reports.get(name) !== read(name),
  );
  if (isCheck && stale.length > 0) {
    throw new Error(`agent/api is stale (${stale.join(', ')}): run npm run api-report, and look at what changed`);
  }
  for (const name of stale) {
    const report = reports.get(name);
    if (report === undefined) rmSync(join(folder, name));
    else writeFileSync(join(folder, name), report);
  }
  console.log(stale.length === 0 ? 'the report of the public types is up to date' : `written: ${stale.join(', ')}`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  rmSync(made, { recursive: true, force: true });
}

function read(name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return undefined;
  }
}
