import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { FRAME_SAMPLES, SAMPLE_RATE_HZ } from '../../core/pcm.ts';

/** The model wants the samples before each frame with it: without them it hears no speech at all. */
export const CONTEXT_SAMPLES = 64;
export const INPUT_SAMPLES = CONTEXT_SAMPLES + FRAME_SAMPLES;
const STATE_VALUES = 128;

/** Silero's voice-activity model, version 6. */
export interface Silero {
  /** Begins listening at `stripeCount` places at once, each with a memory of its own. */
  listen(stripeCount: number): SileroStripes;
}

export interface SileroStripes {
  /**
   * One frame of each stripe, with its context before it: `INPUT_SAMPLES` for each, one stripe behind the other. Gives the
   * probability of speech in each. Frames of a stripe come in order.
   */
  step(input: Float32Array): Promise<Float32Array>;
}

export async function loadSilero(): Promise<Silero> {
  const model = createRequire(import.meta.url).resolve('@ricky0123/vad-web/dist/silero_vad_v6.onnx');
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Arenas keep what they once took; without them the memory stays flat.
    enableCpuMemArena: false,
    enableMemPattern: false,
  });
  const sampleRate = new Tensor('int64', BigInt64Array.of(BigInt(SAMPLE_RATE_HZ)), []);
  return {
    listen(stripeCount) {
      const shape = [2, stripeCount, STATE_VALUES];
      let state = new Tensor('float32', new Float32Array(2 * stripeCount * STATE_VALUES), shape);
      return {
        async step(input) {
          const frames = new Tensor('float32', input, [stripeCount, INPUT_SAMPLES]);
          const outputs = await session.run({ input: frames, state, sr: sampleRate });
          const { output, stateN } = outputs;
          if (!(output?.data instanceof Float32Array) || stateN === undefined) {
            throw new Error('The voice-activity model gave something else than expected.');
          }
          state = stateN as typeof state;
          return output.data;
        },
      };
    },
  };
}
