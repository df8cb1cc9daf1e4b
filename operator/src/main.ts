#!/usr/bin/env node
import { program } from './commands/program.ts';

process.exitCode = await program({ args: process.argv.slice(2), out: process.stdout, err: process.stderr });
