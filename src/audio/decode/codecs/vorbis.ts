import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { blockOf, type PacketDecoder } from './packet-decoder.ts';

export interface VorbisHeaders {
  /** The first and the third header packet; the second holds comments only. */
  readonly identification: Uint8Array;
  readonly setup: Uint8Array;
}

type OggPage = Parameters<OggVorbisDecoder['decodeOggPages']>[0][number];

export async function createVorbisDecoder({ identification, setup }: VorbisHeaders): Promise<PacketDecoder> {
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  // The package wants what its own parser would have found; of that it uses these members only.
  const header = { data: identification, codecFrames: [{ data: new Uint8Array(0), header: { vorbisSetup: setup } }] };
  await decoder.decodeOggPages([header as unknown as OggPage]);
  return {
    async decode(packets) {
      const page = { data: new Uint8Array(0), codecFrames: packets.map((data) => ({ data })) };
      return blockOf(await decoder.decodeOggPages([page as unknown as OggPage]));
    },
    [Symbol.dispose]: () => decoder.free(),
  };
}
