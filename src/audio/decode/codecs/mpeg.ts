import { MPEGDecoder } from 'mpg123-decoder';
import { blockOf, type PacketDecoder } from './packet-decoder.ts';

/** Samples by which the decoder's output lags behind its input, beside what the encoder added. */
export const MPEG_DECODER_DELAY = 529;

/** Takes whole MPEG audio frames (layers I to III) of one sample rate and channel count. */
export async function createMpegDecoder(): Promise<PacketDecoder> {
  // What the encoder added is cut away by its caller: the package would trust the frame count of a header for it.
  const decoder = new MPEGDecoder({ enableGapless: false });
  await decoder.ready;
  return {
    decode: async (frames) => blockOf(decoder.decode(Buffer.concat(frames))),
    [Symbol.dispose]: () => decoder.free(),
  };
}
