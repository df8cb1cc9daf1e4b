import { run } from './run.ts';

/** A program that is built from a Go module. */
export interface GoProgram {
  readonly name: string;
  /** The folder of the module, whose go.mod pins the versions. */
  readonly module: string;
  /** The import path of the program; `.` is the module itself. */
  readonly path: string;
  /** Further flags of the linker. */
  readonly ldflags?: string;
  /** Link no C library, so that the program runs in an image that holds nothing else. */
  readonly static?: boolean;
}

/**
 * Builds a program and writes it to the path `to`.
 *
 * @throws Error when there is no Go, or when the build fails.
 */
export async function buildGo(program: GoProgram, to: string, log: (line: string) => void): Promise<void> {
  const { name, module, path, ldflags = '' } = program;
  log(`building ${name} from Go modules; this takes some minutes, once`);
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1000);
  const progress = setInterval(() => log(`still building ${name}: ${seconds()} s`), 30_000);
  const env = program.static ? { ...process.env, CGO_ENABLED: '0' } : process.env;
  try {
    await run('go', ['build', '-trimpath', '-o', to, '-ldflags', `-s -w ${ldflags}`.trim(), path], {
      cwd: module,
      env,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(
      `${name} is needed, and there is no Go to build it; install Go from https://go.dev/dl, or run setup-envtest and name its folder in KUBEBUILDER_ASSETS`,
    );
  } finally {
    clearInterval(progress);
  }
  log(`built ${name} in ${seconds()} s`);
}
