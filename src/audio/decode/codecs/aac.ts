/**
 * AAC and ALAC. The package with both is under the GPL-2.0 and optional: it is loaded here only, and only once such audio
 * is met, so that an installation may leave it out.
 */
import type { decoder as createDecoder } from '@audio/decode-aac';
import { LOST } from '../audio-block.ts';
import { unsupportedFormat } from '../job.ts';
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

/** Takes whole access units and gives what the presentation holds of them. Rejects with `unsupported_audio_format` where the optional package is not installed. */
export async function createAacDecoder(
  configuration: AacConfiguration,
  presentation: Presentation | null,
): Promise<PacketDecoder> {
  const loaded = await load();
  const decoder = await loaded.decoder({
    ...configuration,
    ...(presentation === null ? {} : { gapless: presentation }),
  });
  // The decoder keeps its first frame back and calls that an error.
  let errorsExpected = 1;
  return {
    async decode(accessUnits) {
      if (accessUnits.length === 0) return null;
      const { channelData, sampleRate, errors = 0 }: Decoded = decoder.decode([...accessUnits]);
      const isDamaged = errors > errorsExpected;
      errorsExpected = 0;
      if ((channelData[0]?.length ?? 0) === 0) return isDamaged ? LOST : null;
      return { channels: channelData, sampleRateHz: sampleRate, isDamaged };
    },
    [Symbol.dispose]: () => decoder.free(),
  };
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
