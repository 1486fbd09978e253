import { OpusDecoder } from 'opus-decoder';
import type { AudioBlock } from '../audio-block.ts';
import { notDecodable } from '../job.ts';
import { blockOf, type PacketDecoder } from './packet-decoder.ts';

/** Opus counts its lead-in and its positions at this rate, whatever rate it is decoded to. */
const CLOCK_HZ = 48_000;
/** Opus can be decoded straight to the rate that everything after it works on: no resampling, half the work. */
const DECODED_HZ = 16_000;
/** Decoded samples for each tick of Opus's clock. */
export const OPUS_SAMPLES_PER_TICK = DECODED_HZ / CLOCK_HZ;

export interface OpusHead {
  readonly channelCount: number;
  /** Samples at 48 kHz that the encoder put in front. */
  readonly preSkip: number;
  /** Decibels by which the decoded samples are to be made louder. */
  readonly gainDb: number;
  readonly streamCount: number;
  readonly coupledStreamCount: number;
  readonly channelMapping: readonly number[];
}

/** Reads an `OpusHead` packet (RFC 7845, section 5.1), which Matroska carries too; null where it is none. */
export function parseOpusHead(packet: Uint8Array): OpusHead | null {
  if (packet.length < 19) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const channelCount = view.getUint8(9);
  const preSkip = view.getUint16(10, true);
  const gainDb = view.getInt16(16, true) / 256;
  if (view.getUint8(18) === 0) {
    const coupledStreamCount = channelCount - 1;
    const channelMapping = channelCount === 2 ? [0, 1] : [0];
    return { channelCount, preSkip, gainDb, streamCount: 1, coupledStreamCount, channelMapping };
  }
  if (packet.length < 21 + channelCount) return null;
  return {
    channelCount,
    preSkip,
    gainDb,
    streamCount: view.getUint8(19),
    coupledStreamCount: view.getUint8(20),
    channelMapping: [...packet.subarray(21, 21 + channelCount)],
  };
}

/** Decoded samples at the start that are not to be heard. */
export function decodedLeadIn({ preSkip }: OpusHead): number {
  return Math.round(preSkip * OPUS_SAMPLES_PER_TICK);
}

/** A decoder to 16 kHz; samples of the lead-in are not taken away. */
export async function createOpusDecoder(head: OpusHead): Promise<PacketDecoder> {
  if (!isPlausible(head)) throw notDecodable('The Opus header names impossible channels.');
  const decoder = new OpusDecoder({
    sampleRate: DECODED_HZ,
    channels: head.channelCount,
    streamCount: head.streamCount,
    coupledStreamCount: head.coupledStreamCount,
    channelMappingTable: [...head.channelMapping],
    preSkip: 0,
  });
  await decoder.ready;
  return {
    decode: async (packets) => louder(blockOf(decoder.decodeFrames([...packets])), head.gainDb),
    [Symbol.dispose]: () => decoder.free(),
  };
}

function louder(block: AudioBlock | null, gainDb: number): AudioBlock | null {
  if (block === null || gainDb === 0) return block;
  const factor = 10 ** (gainDb / 20);
  return { ...block, channels: block.channels.map((channel) => channel.map((sample) => sample * factor)) };
}

function isPlausible({ channelCount, streamCount, coupledStreamCount, channelMapping }: OpusHead): boolean {
  const codedChannels = streamCount + coupledStreamCount;
  return (
    channelCount >= 1 &&
    streamCount >= 1 &&
    coupledStreamCount <= streamCount &&
    codedChannels <= 255 &&
    channelMapping.length === channelCount &&
    channelMapping.every((index) => index === 255 || index < codedChannels)
  );
}
