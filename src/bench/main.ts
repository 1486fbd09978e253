/** `npm run bench [NAME…]`: runs every benchmark, or those named, prints their figures as a table and keeps them as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { dashboardBench } from './dashboard.ts';
import { decodeBench } from './decode.ts';
import { fairnessBench } from './fairness.ts';
import type { Bench, Figure } from './figure.ts';
import { glmBench } from './glm.ts';
import { ledgerBench } from './ledger.ts';
import { serveBench } from './serve.ts';
import { usageBench } from './usage.ts';

const BENCHES: readonly Bench[] = [
  ledgerBench,
  usageBench,
  dashboardBench,
  decodeBench,
  serveBench,
  fairnessBench,
  glmBench,
];

const RESULTS = 'bench-results';

const only = process.argv.slice(2);
const machine = { node: process.version, platform: process.platform, cpus: cpus().map(({ model }) => model) };
for (const { name, run } of BENCHES) {
  if (only.length > 0 && !only.includes(name)) continue;
  const figures = await run();
  process.stdout.write(`\n${name}\n\n${table(figures)}\n`);
  const at = new Date(systemClock.now()).toISOString();
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify({ name, at, machine, figures }, null, 2)}\n`);
}

function table(figures: readonly Figure[]): string {
  const lines = figures.map(({ subject, quantity, value, unit }) => [subject, quantity, value.toFixed(2), unit]);
  const rows = [['subject', 'quantity', 'value', 'unit'], ...lines];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}
