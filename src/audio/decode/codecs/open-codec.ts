import { notDecodable } from '../job.ts';
import { createAacDecoder, type AacConfiguration, type Presentation } from './aac.ts';
import { createFlacDecoder } from './flac.ts';
import { createMpegDecoder } from './mpeg.ts';
import { createOpusDecoder, type OpusHead } from './opus.ts';
import type { PacketDecoder } from './packet-decoder.ts';
import { decodePcm, isPcmLayout, type PcmLayout } from './pcm.ts';
import { createVorbisDecoder, type VorbisHeaders } from './vorbis.ts';

/** What a container says of the stream in it, as far as its decoder needs it. */
export type StreamDescription =
  | { readonly codec: 'aac'; readonly configuration: AacConfiguration; readonly presentation: Presentation | null }
  | { readonly codec: 'flac' }
  | { readonly codec: 'mpeg' }
  | { readonly codec: 'opus'; readonly head: OpusHead }
  | { readonly codec: 'pcm'; readonly layout: PcmLayout; readonly sampleRateHz: number }
  | { readonly codec: 'vorbis'; readonly headers: VorbisHeaders };

export async function openCodec(stream: StreamDescription): Promise<PacketDecoder> {
  switch (stream.codec) {
    case 'aac':
      return createAacDecoder(stream.configuration, stream.presentation);
    case 'flac':
      return createFlacDecoder();
    case 'mpeg':
      return createMpegDecoder();
    case 'opus':
      return createOpusDecoder(stream.head);
    case 'pcm':
      return createPcmDecoder(stream.layout, stream.sampleRateHz);
    case 'vorbis':
      return createVorbisDecoder(stream.headers);
  }
}

function createPcmDecoder(layout: PcmLayout, sampleRateHz: number): PacketDecoder {
  if (!isPcmLayout(layout)) throw notDecodable('The container describes impossible samples.');
  return {
    async decode(packets) {
      const channels = decodePcm(Buffer.concat(packets), layout);
      return channels[0]?.length === 0 ? null : { channels, sampleRateHz };
    },
    [Symbol.dispose]: () => {},
  };
}
