/** How each codec lies in Ogg: its header packets, and what its clock counts. */
import type { AudioBlock } from '../audio-block.ts';
import { createFlacDecoder } from '../codecs/flac.ts';
import { createOpusDecoder, decodedLeadIn, OPUS_SAMPLES_PER_TICK, parseOpusHead } from '../codecs/opus.ts';
import type { PacketDecoder } from '../codecs/packet-decoder.ts';
import { createVorbisDecoder } from '../codecs/vorbis.ts';
import { notDecodable } from '../job.ts';
import { startsWith } from './bytes.ts';

export const OGG_CODECS = [
  { name: 'vorbis', magic: '\u0001vorbis' },
  { name: 'opus', magic: 'OpusHead' },
  { name: 'flac', magic: '\u007fFLAC' },
] as const;

export type OggCodec = (typeof OGG_CODECS)[number]['name'];

export interface OggStream {
  /** Samples at the start that are not to be heard. */
  leadInSamples(): number;
  /** Decoded samples for each unit of the stream's clock. */
  readonly samplesPerGranule: number;
  /** Takes the packets after the first header, further headers among them. */
  decode(packets: readonly Uint8Array[]): Promise<AudioBlock | null>;
  dispose(): void;
}

/** A stream from its first header packet. */
export function openOggStream(codec: OggCodec, head: Uint8Array): OggStream {
  switch (codec) {
    case 'opus':
      return openOpus(head);
    case 'vorbis':
      return withHeaders(isVorbisHeader, 1, 0, async (headers) => {
        const setup = headers.find((packet) => packet[0] === 5);
        return setup === undefined ? null : createVorbisDecoder({ identification: head, setup });
      });
    case 'flac':
      return withHeaders((packet) => packet[0] !== 0xff, 1, 0, createFlacDecoder);
  }
}

function openOpus(head: Uint8Array): OggStream {
  const parsed = parseOpusHead(head);
  if (parsed === null) throw notDecodable('The OpusHead packet is too short.');
  return withHeaders(
    (packet) => startsWith(packet, 'OpusTags'),
    OPUS_SAMPLES_PER_TICK,
    decodedLeadIn(parsed),
    () => createOpusDecoder(parsed),
  );
}

function isVorbisHeader(packet: Uint8Array): boolean {
  return ((packet[0] ?? 0) & 1) === 1;
}

/** Collects header packets, and makes the decoder when the first packet of audio comes. */
function withHeaders(
  isHeader: (packet: Uint8Array) => boolean,
  samplesPerGranule: number,
  leadInSamples: number,
  createDecoder: (headers: readonly Uint8Array[]) => Promise<PacketDecoder | null>,
): OggStream {
  const headers: Uint8Array[] = [];
  let decoder: PacketDecoder | null = null;
  return {
    samplesPerGranule,
    leadInSamples: () => leadInSamples,
    async decode(packets) {
      const audio = packets.filter((packet) => decoder !== null || !isHeader(packet));
      if (decoder === null) {
        headers.push(...packets.filter(isHeader));
        if (audio.length === 0) return null;
        decoder = await createDecoder(headers);
        if (decoder === null) throw notDecodable('A header packet of the Ogg stream is missing.');
      }
      return decoder.decode(audio);
    },
    dispose: () => decoder?.[Symbol.dispose](),
  };
}
