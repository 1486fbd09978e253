/** Long recordings with known texts, built from the fixtures' utterances. */
import assert from 'node:assert/strict';
import { speechRegions } from '../audio/segment.ts';
import { createSpeechDetector } from '../audio/vad/speech-detector.ts';
import { loadSilero } from '../audio/vad/silero.ts';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import { recordings, wavSamples } from './recordings.ts';

export interface Utterance {
  readonly name: string;
  readonly text: string;
  /** From the first of its speech to the last. */
  readonly samples: Int16Array;
  /** Whether there is no pause in it that a cut could be made in. */
  readonly isWithoutPause: boolean;
}

export interface LongRecording {
  readonly samples: Int16Array;
  readonly text: string;
  /** The utterances in it, in order. */
  readonly names: readonly string[];
}

/** The fixtures without the silence around them. */
export async function loadUtterances(): Promise<Utterance[]> {
  const silero = await loadSilero();
  const utterances: Utterance[] = [];
  for (const { name, text } of recordings()) {
    const samples = wavSamples(name);
    const detector = createSpeechDetector(silero);
    await detector.push(Float32Array.from(samples, (sample) => sample / 32_768));
    const speech = speechRegions(await detector.finish(), samples.length);
    const [first, last] = [speech[0], speech.at(-1)];
    assert.ok(first !== undefined && last !== undefined, `there is speech in ${name}`);
    utterances.push({ name, text, samples: samples.slice(first.start, last.end), isWithoutPause: speech.length === 1 });
  }
  return utterances;
}

/** Utterances for so many seconds, none twice in a row, with pauses of up to so many seconds between them. */
export function longRecording(
  utterances: readonly Utterance[],
  { seconds, pauseSecondsMax, seed }: { seconds: number; pauseSecondsMax: number; seed: number },
): LongRecording {
  const random = randomNumbers(seed);
  const parts: { readonly at: number; readonly utterance: Utterance }[] = [];
  let length = 0;
  while (length < seconds * SAMPLE_RATE_HZ) {
    const others = utterances.filter((utterance) => utterance !== parts.at(-1)?.utterance);
    const utterance = others[Math.floor(random() * others.length)];
    assert.ok(utterance !== undefined);
    parts.push({ at: length, utterance });
    length += utterance.samples.length + Math.round(random() * pauseSecondsMax * SAMPLE_RATE_HZ);
  }
  const samples = new Int16Array(length);
  for (const { at, utterance } of parts) samples.set(utterance.samples, at);
  return {
    samples,
    text: parts.map(({ utterance }) => utterance.text).join(' '),
    names: parts.map(({ utterance }) => utterance.name),
  };
}

/** One behind the other. */
export function inOne(parts: readonly LongRecording[]): LongRecording {
  const samples = new Int16Array(parts.reduce((length, part) => length + part.samples.length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part.samples, at);
    at += part.samples.length;
  }
  return {
    samples,
    text: parts.map(({ text }) => text).join(' '),
    names: parts.flatMap(({ names }) => names),
  };
}

/** Numbers from 0 to 1, the same at each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
