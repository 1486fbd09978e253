/** What `earshot doctor` looks at. */
import type { Check } from '../cli/doctor.ts';
import type { Config, EngineConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { EngineError, type Engine } from '../engines/contract.ts';
import { loadOneSecond } from '../engines/one-second.ts';
import { openBooks } from './books.ts';
import { createEngine } from './engines.ts';

const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 19;
/** A large model hears its second of silence in a window of 30 s. */
const CHECK_MS_MAX = 120_000;

/** @param live whether engines on the network are asked too, which costs their operator a second of audio. */
export function doctorChecks(config: Config, live: boolean, clock: Clock, log: Logger): readonly Check[] {
  return [
    { name: 'node', run: checkNode },
    { name: 'database', run: () => checkDatabase(config, clock, log) },
    ...Object.entries(config.engines).map(([id, engine]) => ({
      name: `engine ${id}`,
      run: () => checkEngine(id, engine, live, clock, log),
    })),
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
  return config.models
    .map(({ id, engines }) => `${id} (${engines.flatMap((weights) => Object.keys(weights)).join(', ')})`)
    .join('; ');
}

async function checkEngine(
  id: string,
  config: EngineConfig,
  live: boolean,
  clock: Clock,
  log: Logger,
): Promise<string> {
  const isRemote = config.type === 'zai' || config.type === 'openai';
  if (isRemote && !live) return `configured, ${describe(config)}; \`earshot doctor --live\` asks it`;
  const { engine, started } = createEngine(id, config, clock, log);
  try {
    await started;
    const second = await loadOneSecond();
    const start = clock.now();
    const { text } = await engine.transcribe(second, { outputTokensMax: 64 }, AbortSignal.timeout(CHECK_MS_MAX));
    const seconds = ((clock.now() - start) / 1000).toFixed(1);
    // Whoever heard nothing in a second of speech still answered; a good engine may do that.
    return `${text === '' ? 'heard nothing in' : `heard "${text}" in`} one second of speech, after ${seconds} s; ${describe(config)}${weightsOf(engine)}`;
  } catch (error) {
    throw new Error(`${whyNot(error)} (${describe(config)})`, { cause: error });
  } finally {
    await engine.close();
  }
}

/** Where an engine is and how much it takes, without its key. */
function describe(config: EngineConfig): string {
  if (config.type === 'moonshine') return `${config.workers} at a time`;
  if (config.type === 'glm') return `${config.workers * config.batch} at a time`;
  const what = config.type === 'zai' ? 'Z.ai' : `${config.model} by ${config.mode}`;
  return `${what} at ${config.base_url}, ${config.max_in_flight} at a time`;
}

/** What is loaded, in which precision, and how much memory it holds. */
function weightsOf(engine: Engine): string {
  const description = engine.describe?.() ?? null;
  if (description === null) return '';
  const { model, quantization, weightBytes, residentBytes } = description;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const memory = residentBytes === null ? '' : `, ${gigabytes(residentBytes)} of memory in each process`;
  return ` (${model}, ${quantization}, ${gigabytes(weightBytes)} of weights${memory})`;
}

function whyNot(error: unknown): string {
  if (error instanceof EngineError && error.detail !== undefined) return error.detail;
  if (error instanceof Error && error.name === 'TimeoutError')
    return `It gave no answer within ${CHECK_MS_MAX / 1000} s.`;
  return error instanceof Error ? error.message : String(error);
}

async function checkAac(): Promise<string> {
  try {
    import.meta.resolve('@audio/decode-aac');
    return 'installed (GPL-2.0, used for AAC in m4a and mp4 only)';
  } catch {
    throw new Error('missing; run `npm install @audio/decode-aac` to decode AAC (m4a, mp4).');
  }
}
