#!/usr/bin/env node
import module from 'node:module';

const { argv, stdout: out, stderr: err, versions } = process;
if (module.enableCompileCache === undefined) {
  err.write(`fuseboard: needs Node 22.19 or later, and this is ${versions.node}\n`);
  process.exit(3);
}
// Before anything else is loaded: code that was compiled once is not compiled again.
module.enableCompileCache();

const [{ program }, { COMPLETE }, { EXIT_CODES }] = await Promise.all([
  import('./cli/program.ts'),
  import('./cli/completion-scripts.ts'),
  import('./cli/exit-codes.ts'),
]);

for (const stream of [out, err]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_CODES.unread);
    throw error;
  });
}
const code = await program({ args: argv.slice(2), out, err }, () => import('./adapters.ts'));
// A cluster that does not answer must not hold up a shell.
if (argv[2] === COMPLETE) process.exit(code);
process.exitCode = code;
