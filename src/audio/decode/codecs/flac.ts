import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { blockOf, type PacketDecoder } from './packet-decoder.ts';

/** Takes whole FLAC frames; each says for itself how it is coded. */
export async function createFlacDecoder(): Promise<PacketDecoder> {
  const decoder = new FLACDecoder();
  await decoder.ready;
  return {
    decode: async (frames) => blockOf(await decoder.decodeFrames([...frames])),
    [Symbol.dispose]: () => decoder.free(),
  };
}
