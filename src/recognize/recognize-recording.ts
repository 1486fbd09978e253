/** A decoded recording to its text, in the order that the paid flow follows too: cut, queue, recognise. */
import type { Recording } from '../audio/decode/decode.ts';
import { segment } from '../audio/segment.ts';
import type { Pcm } from '../core/pcm.ts';
import type { Transcript } from '../core/transcript.ts';
import type { Hints } from '../engines/contract.ts';
import type { Selection } from '../engines/registry.ts';
import type { Recognizer } from './recognize.ts';

export interface RecordingToRecognize {
  readonly selection: Selection;
  readonly recording: Pcm & Pick<Recording, 'frames'>;
  readonly hints: Hints;
  readonly timestamps: boolean;
  /** The most tokens for the text; it stops an engine that has lost its way. */
  readonly outputTokensMax: number;
  /** Told, as it goes on, which share of the speech has its text. */
  readonly onProgress?: (share: number) => void;
}

/** Where nothing is charged, nothing stands between these steps. */
export async function recognizeRecording(
  recognizer: Recognizer,
  { selection, recording, hints, timestamps, outputTokensMax, onProgress }: RecordingToRecognize,
  signal: AbortSignal,
): Promise<Transcript> {
  const { pieceSecondsMax } = selection;
  const pieces = segment(recording.frames, recording.sampleCount, { pieceSecondsMax });
  const samples = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  let samplesHeard = 0;
  const onHeard = (count: number): void => {
    samplesHeard += count;
    onProgress?.(samplesHeard / samples);
  };
  using place = recognizer.enter('', pieces);
  return await recognizer.recognize(
    { selection, pcm: recording, pieces, hints, userId: null, timestamps, outputTokensMax, place, onHeard },
    signal,
  );
}
