/** Samples of one window to embeddings that the language model reads in the place of words. */
import { Tensor } from 'onnxruntime-node';
import { audioTokens } from '../features/length.ts';
import { createLogMel, type ExtractLogMel, type LogMel } from '../features/log-mel.ts';
import { ENCODER } from '../graph/encoder.ts';
import { FILES, type Manifest } from '../manifest.ts';
import { openSession, output } from './session.ts';

export interface Encoded {
  /** One row of the decoder's width for each 80 ms of audio. */
  readonly embeddings: Float32Array;
  readonly tokens: number;
}

export interface Encoder {
  encode(samples: Float32Array, windowSamples: number): Promise<Encoded>;
  /** The same with what lies between, for comparison with a reference. */
  inspect(samples: Float32Array, windowSamples: number): Promise<Encoded & { features: LogMel; states: Float32Array }>;
  release(): Promise<void>;
}

/** @param extract what the features are made by; the model's own unless somebody compares with others. */
export async function loadEncoder(
  directory: string,
  manifest: Manifest,
  threads: number,
  extract: ExtractLogMel = createLogMel({ bands: manifest.encoder.bands }),
): Promise<Encoder> {
  const session = await openSession(directory, FILES.encoder, threads);
  const { merge } = manifest.encoder;

  async function run(samples: Float32Array, windowSamples: number, wanted: readonly string[]) {
    const features = extract(samples, windowSamples);
    const input = new Tensor('float32', features.data, [1, features.bands, features.frames]);
    const outputs = await session.run({ [ENCODER.features]: input }, wanted);
    const tokens = audioTokens(samples.length, merge);
    const all = output(outputs, ENCODER.embeddings).data as Float32Array;
    // The silence that fills the window is heard, but what it became is not read.
    return { features, outputs, tokens, embeddings: all.subarray(0, tokens * manifest.decoder.hidden) };
  }

  return {
    async encode(samples, windowSamples) {
      const { embeddings, tokens } = await run(samples, windowSamples, [ENCODER.embeddings]);
      return { embeddings, tokens };
    },
    async inspect(samples, windowSamples) {
      const { outputs, ...encoded } = await run(samples, windowSamples, [ENCODER.embeddings, ENCODER.states]);
      return { ...encoded, states: output(outputs, ENCODER.states).data as Float32Array };
    },
    release: () => session.release(),
  };
}
