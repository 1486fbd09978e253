/** Runs recordings through a recognizer, several at a time, and gives each outcome as it ends. */
import type { Decoder, Recording } from '../audio/decode/decode.ts';
import type { AudioOpener } from '../audio/open.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { FRAME_SAMPLES, SAMPLE_RATE_HZ, samplesToMs, type Damage, type Pcm } from '../core/pcm.ts';
import type { Selection } from '../engines/registry.ts';
import { recognizeRecording } from '../recognize/recognize-recording.ts';
import type { Recognizer } from '../recognize/recognize.ts';
import { isUrl, type Range, type Utterance } from './manifest.ts';
import type { Outcome } from './results-file.ts';
import { baseOf } from './text/units.ts';

export interface Listener {
  readonly opener: AudioOpener;
  readonly decoder: Decoder;
  readonly recognizer: Recognizer;
  readonly clock: Clock;
}

export interface RunOptions {
  readonly selection: Selection;
  /** Audio files that are worked on at the same time. */
  readonly parallel: number;
  /** The bound of the text of so many milliseconds. */
  outputTokensMax(durationMs: number): number;
  /** Each outcome as it ends; the recording after it waits until this has resolved. */
  onOutcome(utterance: Utterance, outcome: Outcome): Promise<void>;
}

/** Resolves once every utterance has its outcome; rejects with the signal's reason once everything has stopped. */
export async function runUtterances(
  utterances: readonly Utterance[],
  listener: Listener,
  options: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const queue = byAudio(utterances).values();

  async function work(): Promise<void> {
    for (const group of queue) {
      stopped.throwIfAborted();
      await hearGroup(group, listener, options, stopped);
    }
  }

  const workers = Array.from({ length: options.parallel }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
}

/** All utterances of one audio file, so that it is opened and decoded once. */
function byAudio(utterances: readonly Utterance[]): Utterance[][] {
  const groups = new Map<string, Utterance[]>();
  for (const utterance of utterances) {
    const group = groups.get(utterance.audio);
    if (group === undefined) groups.set(utterance.audio, [utterance]);
    else group.push(utterance);
  }
  return [...groups.values()];
}

async function hearGroup(
  group: readonly Utterance[],
  { opener, decoder, recognizer, clock }: Listener,
  options: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  const done = new Set<Utterance>();
  try {
    const startedAt = clock.now();
    const [{ audio } = { audio: '' }] = group;
    await using source = await opener.open(
      isUrl(audio) ? { kind: 'url', url: audio } : { kind: 'file', path: audio },
      signal,
    );
    await using recording = await decoder.decode(source, signal);
    const decodingMs = clock.now() - startedAt;
    for (const utterance of group) {
      const outcome = await outcomeOf(signal, async () => {
        const part = partOf(recording, utterance.range);
        const beganAt = clock.now();
        const transcript = await recognizeRecording(
          recognizer,
          {
            selection: options.selection,
            recording: part,
            hints: { language: baseOf(utterance.language) },
            timestamps: false,
            outputTokensMax: options.outputTokensMax(part.durationMs),
          },
          signal,
        );
        // Each part bears its share of the decoding of the whole.
        const sharedMs = decodingMs * (part.sampleCount / Math.max(recording.sampleCount, 1));
        return {
          text: transcript.text,
          engine: transcript.engine,
          audioSeconds: part.sampleCount / SAMPLE_RATE_HZ,
          processingSeconds: (sharedMs + clock.now() - beganAt) / 1000,
          warnings: [...new Set(transcript.warnings.map(({ code }) => code))],
        };
      });
      await options.onOutcome(utterance, outcome);
      done.add(utterance);
    }
  } catch (error) {
    // An abort, and a mistake of the program, end the run; what is wrong with one audio file fails its utterances.
    if (signal.aborted || !(error instanceof AppError)) throw error;
    for (const utterance of group) {
      if (!done.has(utterance)) await options.onOutcome(utterance, { error: sentenceOf(error) });
    }
  }
}

async function outcomeOf(signal: AbortSignal, hear: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await hear();
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return { error: sentenceOf(error) };
  }
}

function sentenceOf(error: AppError): string {
  return error.detail === undefined
    ? `${error.code}: ${error.message}`
    : `${error.code}: ${error.message} (${error.detail})`;
}

type Part = Pcm & Pick<Recording, 'frames'>;

/** A stretch of a recording as a recording of its own, with exactly the samples from `begin` to `end`. */
export function partOf(recording: Recording, range: Range | undefined): Part {
  if (range === undefined) return recording;
  const start = Math.min(Math.round(range.begin * SAMPLE_RATE_HZ), recording.sampleCount);
  const end = Math.min(Math.round(range.end * SAMPLE_RATE_HZ), recording.sampleCount);
  if (start === end) {
    throw new AppError('audio_not_decodable', {
      detail: `The part from ${range.begin} to ${range.end} s lies behind the end of the recording, which has ${recording.durationMs / 1000} s.`,
    });
  }
  const sampleCount = end - start;
  const { probabilities, levelsDb } = recording.frames;
  // A frame of the part takes the values of that frame of the whole in which its middle lies.
  const frameAt = (frame: number): number =>
    Math.min(Math.floor((start + (frame + 0.5) * FRAME_SAMPLES) / FRAME_SAMPLES), probabilities.length - 1);
  const frames = Array.from({ length: Math.ceil(sampleCount / FRAME_SAMPLES) }, (_, frame) => frameAt(frame));
  return {
    sampleCount,
    durationMs: samplesToMs(sampleCount),
    damage: within(recording.damage ?? null, start, end),
    frames: {
      probabilities: Float32Array.from(frames, (frame) => probabilities[frame] ?? 0),
      levelsDb: Float32Array.from(frames, (frame) => levelsDb[frame] ?? 0),
    },
    read: (from, to) => recording.read(start + from, start + to),
    // The whole stays open for its other parts.
    async [Symbol.asyncDispose]() {},
  };
}

/** What of the damage lies between two samples, counted from the first of them. */
function within(damage: Damage | null, start: number, end: number): Damage | null {
  if (damage === null || damage.start > end || damage.end < start) return null;
  return { start: Math.max(damage.start, start) - start, end: Math.min(damage.end, end) - start };
}
