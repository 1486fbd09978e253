#!/usr/bin/env node
/** The program `earshot`, started by hand: its words, environment and terminal. */
import { earshot } from './main/program.ts';

process.exitCode = await earshot(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
});
