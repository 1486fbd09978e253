/**
 * AAC and ALAC. The package with both is under the GPL-2.0 and optional: it is loaded here only, and only once such audio
 * is met, so that an installation may leave it out.
 */
import type { decoder as createDecoder } from '@audio/decode-aac';
import { LOST } from '../audio-block.ts';
import { viewOf } from '../containers/bytes.ts';
import { notDecodable, unsupportedFormat } from '../job.ts';
import type { PacketDecoder } from './packet-decoder.ts';

const PACKAGE = '@audio/decode-aac';

export type AacConfiguration =
  /** An AudioSpecificConfig (ISO/IEC 14496-3, section 1.6). */
  | { readonly asc: Uint8Array }
  /** The 24 bytes of an ALACSpecificConfig. */
  | { readonly alac: Uint8Array };

/** The part of the coded audio that is meant to be heard, in seconds; what an encoder added lies outside. */
export interface Presentation {
  readonly start: number;
  /** Up to the end where it is missing. */
  readonly duration?: number;
}

/** What the package gives; its types leave the last member out. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
  /** Access units that could not be decoded. */
  readonly errors?: number;
}

/** Samples in a packet of ALAC above which its configuration is damage; encoders use 4,096. */
const ALAC_PACKET_SAMPLES_MAX = 65_536;

/** Takes whole access units and gives what the presentation holds of them. Rejects with `unsupported_audio_format` where the optional package is not installed. */
export async function createAacDecoder(
  configuration: AacConfiguration,
  presentation: Presentation | null,
): Promise<PacketDecoder> {
  const packetSamplesMax = 'alac' in configuration ? viewOf(configuration.alac).getUint32(0) : null;
  if (packetSamplesMax !== null && packetSamplesMax > ALAC_PACKET_SAMPLES_MAX) {
    throw notDecodable(`ALAC packets of ${packetSamplesMax} samples are impossible.`);
  }
  const loaded = await load();
  const decoder = await loaded.decoder({
    ...configuration,
    ...(presentation === null ? {} : { gapless: presentation }),
  });
  // The decoder keeps its first frame back and calls that an error.
  let errorsExpected = 1;
  return {
    async decode(accessUnits) {
      const plausible = accessUnits.filter(
        (unit) => packetSamplesMax === null || (claimedAlacSamples(unit) ?? 0) <= packetSamplesMax,
      );
      const isAnyLost = plausible.length < accessUnits.length;
      if (plausible.length === 0) return isAnyLost ? LOST : null;
      const { channelData, sampleRate, errors = 0 }: Decoded = decoder.decode(plausible);
      const isDamaged = isAnyLost || errors > errorsExpected;
      errorsExpected = 0;
      if ((channelData[0]?.length ?? 0) === 0) return isDamaged ? LOST : null;
      return { channels: channelData, sampleRateHz: sampleRate, isDamaged };
    },
    [Symbol.dispose]: () => decoder.free(),
  };
}

/**
 * How many samples a packet of ALAC says it has, null where it has as many as every other. The package believes it, and
 * counts up to 2^32 of them out.
 */
function claimedAlacSamples([b0 = 0, , b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0]: Uint8Array): number | null {
  const element = b0 >> 5;
  const isAudio = element === 0 || element === 1 || element === 3;
  // After 3 bits of the element's kind, 4 of its number and 12 that are zero.
  const isPartial = (b2 & 0x10) !== 0;
  return isAudio && isPartial ? (((b2 & 1) << 31) | (b3 << 23) | (b4 << 15) | (b5 << 7) | (b6 >> 1)) >>> 0 : null;
}

async function load(): Promise<{ decoder: typeof createDecoder }> {
  try {
    return await import('@audio/decode-aac');
  } catch (cause) {
    throw unsupportedFormat(
      `${PACKAGE} cannot be loaded: ${String(cause)}`,
      `AAC and ALAC are not installed on this server. Send wav, mp3, ogg, flac or webm, or ask its operator to install the npm package ${PACKAGE}.`,
    );
  }
}
