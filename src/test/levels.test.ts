/** What is heard and what is not: real speech at any level, among loud and quiet; and noise never. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDecodePool, createDecoder } from '../audio/decode/decode.ts';
import { segment } from '../audio/segment.ts';
import { loadSilero } from '../audio/vad/silero.ts';
import { createSpeechDetector } from '../audio/vad/speech-detector.ts';
import { finishedSource } from '../audio/decode/decode.test-files.ts';
import { silentLogger } from '../core/log.ts';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import { createMoonshineEngine } from '../engines/moonshine/engine.ts';
import { joinTexts } from '../recognize/join.ts';
import { recordings, wavSamples } from './recordings.ts';
import { FIXTURES } from './running-server.ts';
import { wordErrors } from './word-error-rate.ts';

const FULL = process.env['EARSHOT_TEST_FULL'] === '1';
const { signal } = new AbortController();
const engine = createMoonshineEngine({ id: 'embedded', workers: 2, log: silentLogger });
after(() => engine.close());
await engine.started;
const silero = await loadSilero();

interface Utterance {
  readonly samples: Float32Array;
  readonly text: string;
}

const utterances: readonly Utterance[] = recordings().map(({ name, text }) => ({
  samples: Float32Array.from(wavSamples(name), (sample) => sample / 32_768),
  text,
}));

/** Detection, cutting, the engine and joining, as a call goes through them. */
async function textOf(samples: Float32Array): Promise<string> {
  const detector = createSpeechDetector(silero);
  await detector.push(samples);
  const pieces = segment(await detector.finish(), samples.length, engine.capabilities);
  const texts = await Promise.all(
    pieces.map(({ start, end }) => engine.transcribe(samples.slice(start, end), { outputTokensMax: 1_000 }, signal)),
  );
  return joinTexts(texts.map(({ text }, index) => ({ text, forcedEnd: pieces[index]?.forcedEnd ?? false })));
}

/** Brought to a level (root mean square, in dBFS) and stored in 16 bits, as a file would. */
function atLevel(samples: Float32Array, levelDb: number): Float32Array {
  const energy = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
  return amplified(samples, levelDb - 10 * Math.log10(energy));
}

function amplified(samples: Float32Array, gainDb: number): Float32Array {
  const factor = 10 ** (gainDb / 20) * 32_768;
  return samples.map((value) => Math.max(-32_768, Math.min(32_767, Math.round(value * factor))) / 32_768);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Numbers from -1 to 1, the same at each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Utterances in turn for so many seconds, each followed by a pause. */
function longRecording(seconds: number, pauseSeconds: number): Utterance {
  const parts: Float32Array[] = [];
  const texts: string[] = [];
  let sampleCount = 0;
  for (let turn = 0; sampleCount < seconds * SAMPLE_RATE_HZ; turn += 1) {
    const next = utterances[turn % utterances.length];
    assert.ok(next !== undefined);
    const pause = new Float32Array(Math.round(pauseSeconds * SAMPLE_RATE_HZ));
    parts.push(next.samples, pause);
    texts.push(next.text);
    sampleCount += next.samples.length + pause.length;
  }
  return { samples: joined(parts), text: texts.join(' ') };
}

async function errorRate(heard: readonly Utterance[]): Promise<number> {
  const results = [];
  for (const { samples, text } of heard) results.push(wordErrors(text, await textOf(samples)));
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  return errors / results.reduce((sum, result) => sum + result.words, 0);
}

const rateAlone = await errorRate(utterances);

for (const levelDb of FULL ? [-10, -30, -45, -60] : [-60]) {
  test(`speech in a file at ${levelDb} dBFS becomes text`, async () => {
    const rate = await errorRate(utterances.map(({ samples, text }) => ({ samples: atLevel(samples, levelDb), text })));
    assert.ok(rate <= rateAlone + 0.05, `${rateAlone} became ${rate}`);
  });
}

test('a minute that is 40 dB quieter than the rest of its recording becomes text', async () => {
  const loud = longRecording(30, 0.5);
  const minute = longRecording(60, 0.5);
  const samples = joined([loud.samples, amplified(minute.samples, -40), loud.samples]);
  const rate = await errorRate([{ samples, text: `${loud.text} ${minute.text} ${loud.text}` }]);
  assert.ok(rate <= rateAlone + 0.05, `${rateAlone} became ${rate}`);
});

test('two voices in turns, one of them 40 dB quieter, both become text', async () => {
  const samples = joined(utterances.map((utterance, turn) => amplified(utterance.samples, turn % 2 === 0 ? 0 : -40)));
  const rate = await errorRate([{ samples, text: utterances.map(({ text }) => text).join(' ') }]);
  assert.ok(rate <= rateAlone + 0.05, `${rateAlone} became ${rate}`);
});

const SECONDS = 12;

function signalOf(value: (index: number) => number): Float32Array {
  return Float32Array.from({ length: SECONDS * SAMPLE_RATE_HZ }, (_, index) => value(index));
}

function tone(frequencyHz: number, index: number): number {
  return Math.sin((2 * Math.PI * frequencyHz * index) / SAMPLE_RATE_HZ);
}

function sweep(frequencyHz: (seconds: number) => number, overtones: number): Float32Array {
  let phase = 0;
  return signalOf((index) => {
    phase += (2 * Math.PI * frequencyHz(index / SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ;
    let value = 0;
    for (let overtone = 1; overtone <= overtones; overtone += 1) value += Math.sin(overtone * phase) / overtone;
    return value;
  });
}

function brown(random: () => number): Float32Array {
  let value = 0;
  return signalOf(() => (value = 0.998 * value + random()));
}

/** Many brown noises of different speeds add up to a pink one. */
function pink(random: () => number): Float32Array {
  const values = [0, 0, 0];
  return signalOf(() => {
    [0.997, 0.963, 0.57].forEach(
      (keep, index) => (values[index] = keep * (values[index] ?? 0) + random() * (1 - keep)),
    );
    return values.reduce((sum, value) => sum + value, 0);
  });
}

const NOISES: Readonly<Record<string, () => Float32Array>> = {
  'white noise': () => signalOf(randomNumbers(1)),
  'pink noise': () => pink(randomNumbers(2)),
  'brown noise': () => brown(randomNumbers(3)),
  'noise that swells four times a second': () =>
    signalOf(randomNumbers(4)).map((value, index) => value * (1 + tone(4, index))),
  'the hum of the mains': () => signalOf((index) => tone(50, index) + tone(100, index) / 2 + tone(150, index) / 3),
  clicks: () => signalOf((index) => (index % 4_000 < 20 ? 1 : 0)),
  'a low tone': () => signalOf((index) => tone(150, index)),
  'a tone': () => signalOf((index) => tone(440, index)),
  'a sweep': () => sweep((seconds) => 100 * 2 ** (seconds % 5), 1),
  'a sweep like a voice': () => sweep((seconds) => 140 + 60 * Math.sin(Math.PI * seconds), 12),
};

for (const [name, make] of Object.entries(NOISES)) {
  test(`${name} gives no text at any level`, async () => {
    const samples = make();
    for (const levelDb of [-10, -30, -50, -70, -90]) {
      assert.equal(await textOf(atLevel(samples, levelDb)), '', `${levelDb} dBFS`);
    }
  });
}

test('a roar gives no text at any level', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'earshot-levels-'));
  await using pool = createDecodePool({ size: 1, log: silentLogger });
  try {
    const decoder = createDecoder({
      pool,
      temporaryDirectory: directory,
      audioSecondsMax: 60,
      log: silentLogger,
    });
    await using roar = await decoder.decode(finishedSource(join(FIXTURES, 't-rex-roar.mp3')), signal);
    const samples = await roar.read(0, roar.sampleCount);
    for (const levelDb of [-10, -30, -50, -70, -90]) {
      assert.equal(await textOf(atLevel(samples, levelDb)), '', `${levelDb} dBFS`);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
