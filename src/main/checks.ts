/** What `earshot doctor` looks at. */
import { tmpdir } from 'node:os';
import type { Check } from '../cli/doctor.ts';
import type { Config } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import { openBooks } from './books.ts';
import { openEars } from './ears.ts';

const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 19;
const CHECK_MS_MAX = 30_000;

export function doctorChecks(config: Config, clock: Clock, log: Logger): readonly Check[] {
  return [
    { name: 'node', run: checkNode },
    { name: 'database', run: () => checkDatabase(config, clock, log) },
    { name: 'embedded engine', run: () => checkEngines(config, clock, log) },
    { name: 'AAC decoder', run: checkAac },
    { name: 'models', run: () => checkModels(config, clock, log) },
    {
      name: 'stand-in',
      run: async () =>
        config.allowStandIn
          ? 'the embedded engine may answer for other models'
          : 'off: a model answers only by an engine of its own',
    },
  ];
}

async function checkNode(): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)) return process.versions.node;
  throw new Error(`Node ${process.versions.node} is too old; install 20.19 or newer.`);
}

async function checkDatabase(config: Config, clock: Clock, log: Logger): Promise<string> {
  await using books = await openBooks(config, 'command', clock, log);
  const { balanced, transactions, open_holds: openHolds } = await books.verifyLedger();
  if (!balanced) throw new Error('The ledger does not balance: see `earshot ledger verify`.');
  return `${books.database}, ${transactions} ledger transactions, ${openHolds} open holds`;
}

/** A model without a price refuses every call, since nothing would say what it costs. */
async function checkModels(config: Config, clock: Clock, log: Logger): Promise<string> {
  await using books = await openBooks(config, 'command', clock, log);
  const priced = new Set((await books.priceBook.list()).map(({ model }) => model));
  const unpriced = config.models.filter(({ id, listPrice }) => listPrice === null && !priced.has(id));
  if (unpriced.length > 0) {
    const names = unpriced.map(({ id }) => id).join(', ');
    throw new Error(`no price for ${names}; set one with \`earshot price set\`.`);
  }
  return config.models.map(({ id, engines }) => `${id} (${engines.join(', ')})`).join('; ');
}

async function checkEngines(config: Config, clock: Clock, log: Logger): Promise<string> {
  await using ears = openEars(config, tmpdir(), clock, log);
  await ears.started;
  const second = new Float32Array(SAMPLE_RATE_HZ);
  for (const engine of ears.engines)
    await engine.transcribe(second, { outputTokensMax: 64 }, AbortSignal.timeout(CHECK_MS_MAX));
  return ears.engines.map((engine) => `${engine.id} is loaded, ${engine.concurrency} at a time`).join('; ');
}

async function checkAac(): Promise<string> {
  try {
    import.meta.resolve('@audio/decode-aac');
    return 'installed (GPL-2.0, used for AAC in m4a and mp4 only)';
  } catch {
    throw new Error('missing; run `npm install @audio/decode-aac` to decode AAC (m4a, mp4).');
  }
}
