/** Who transcribes for the command: the engines of this machine, or a server. */
import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { worstCase } from '../../billing/meter.ts';
import type { Earshot } from '../../client/client.ts';
import type { TranscriptSegment } from '../../core/transcript.ts';
import { recognizeRecording } from '../../recognize/recognize-recording.ts';
import { CommandError } from '../command.ts';
import type { ChosenEars } from '../ears.ts';

export type Audio = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'url'; readonly url: string };

export interface Wish {
  readonly language: string | null;
  readonly timestamps: boolean;
}

export interface HeardRecording {
  readonly text: string;
  readonly segments?: readonly TranscriptSegment[];
  /** Null where nobody said. */
  readonly durationSeconds: number | null;
  /** What JSON has beside the text. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly warnings: readonly { readonly message: string }[];
}

export interface Ear {
  /** @param onProgress told of more of this recording: the share, and the seconds of audio. */
  hear(
    audio: Audio,
    wish: Wish,
    onProgress: (share: number, audioSeconds: number) => void,
    signal: AbortSignal,
  ): Promise<HeardRecording>;
}

/** No server, no key, no charge. */
export function localEar({ opener, decoder, recognizer, model }: ChosenEars): Ear {
  const selection = recognizer.select(model);
  return {
    async hear(audio, { language, timestamps }, onProgress, signal) {
      await using source = await opener.open(audio, signal);
      await using recording = await decoder.decode(source, signal);
      const seconds = recording.durationMs / 1000;
      let shareBefore = 0;
      const transcript = await recognizeRecording(
        recognizer,
        {
          selection,
          recording,
          hints: language === null ? {} : { language },
          timestamps,
          // Nothing is charged here; the bound stops an engine that has lost its way.
          outputTokensMax: worstCase(recording.durationMs, selection.model.audioTokensPerMinute).outputTokens,
          onProgress(share) {
            onProgress(share - shareBefore, (share - shareBefore) * seconds);
            shareBefore = share;
          },
        },
        signal,
      );
      const { text, segments, engine, engines, warnings } = transcript;
      return {
        text,
        ...(segments === undefined ? {} : { segments }),
        durationSeconds: seconds,
        members: { model: selection.model.id, engine, engines, duration_seconds: seconds, warnings },
        warnings,
      };
    },
  };
}

/** A server fetches what is at a URL itself; files are sent to it. */
export function remoteEar(client: Earshot, model: string): Ear {
  return {
    async hear(audio, { language, timestamps }, _, signal) {
      const hint = language === null ? {} : { language };
      if (audio.kind === 'url') {
        const inputs = { audio: audio.url, ...hint, ...(timestamps ? { timestamps: 'segment' as const } : {}) };
        const { text, segments, ...members } = await client.run({ model, inputs }, { signal });
        const durationSeconds = members.duration_seconds;
        return {
          text,
          ...(segments === undefined ? {} : { segments }),
          durationSeconds,
          members,
          warnings: members.warnings,
        };
      }
      const request = { model, file: await blobOf(audio.path), ...hint };
      if (!timestamps) {
        // A stream keeps the connection busy, so that nothing on the way takes it for dead.
        const { text, ...members } = await (await client.stream(request, { signal })).result();
        return { text, durationSeconds: null, members, warnings: members.warnings };
      }
      const reply = await client.upload({ ...request, response_format: 'verbose_json' }, { signal });
      const { text, segments, duration, task: _task, language: _language, ...members } = reply;
      return {
        text,
        segments: segments.map(({ start, end, text: said }) => ({ start, end, text: said })),
        durationSeconds: duration,
        members: { ...members, duration_seconds: duration },
        warnings: members.warnings,
      };
    },
  };
}

async function blobOf(path: string): Promise<Blob> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) throw new CommandError('There is no such audio file.');
  return openAsBlob(path);
}
