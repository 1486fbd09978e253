import { LOST, type AudioBlock } from '../audio-block.ts';

/** Decodes the packets of one stream, in order. Damaged packets give no samples, and their block says so; it throws where nothing more can come. */
export interface PacketDecoder extends Disposable {
  /** The audio of these packets together, null where they give none yet. */
  decode(packets: readonly Uint8Array[]): Promise<AudioBlock | null>;
}

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly unknown[];
}

/** The WebAssembly decoders' answer as a block. */
export function blockOf({ channelData, samplesDecoded, sampleRate, errors }: Decoded): AudioBlock | null {
  const isDamaged = errors.length > 0;
  if (samplesDecoded <= 0 || channelData.length === 0) return isDamaged ? LOST : null;
  return { channels: channelData, sampleRateHz: sampleRate, isDamaged };
}
