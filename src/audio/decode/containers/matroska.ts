/** Matroska and WebM files, finished or live: the first audio track that can be decoded. */
import { Trim, sampleCountOf, type AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { openCodec } from '../codecs/open-codec.ts';
import type { PacketDecoder } from '../codecs/packet-decoder.ts';
import { noAudioStream, notDecodable } from '../job.ts';
import { nextElement, unsignedOf, variableNumber } from './ebml.ts';
import { findAudioTrack, type MatroskaTrack } from './matroska-track.ts';

const SEGMENT = 0x18_53_80_67;
const TRACKS = 0x16_54_ae_6b;
const CLUSTER = 0x1f_43_b6_75;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const SIMPLE_BLOCK = 0xa3;
const DISCARD_PADDING = 0x75_a2;

const BATCH_PACKETS = 32;

/** Gives the audio of a Matroska file block by block. */
export async function* readMatroska(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  let track: MatroskaTrack | null = null;
  let decoder: PacketDecoder | null = null;
  let trim = new Trim(0);
  let batch: Uint8Array[] = [];
  let isCutOff = false;
  try {
    for (let element = await nextElement(reader); element !== null; element = await nextElement(reader)) {
      const { id, byteCount } = element;
      // These hold the others: to go on behind their header is to go into them, however long they claim to be.
      if (id === SEGMENT || id === CLUSTER || id === BLOCK_GROUP) continue;
      if (id === TRACKS && track === null) {
        const tracks = await reader.take(byteCount);
        if (tracks === null) throw notDecodable('The description of the tracks is cut off.');
        track = findAudioTrack(tracks);
        decoder = await openCodec(track.stream);
        trim = new Trim(track.leadInSamples);
      } else if ((id === BLOCK || id === SIMPLE_BLOCK) && track !== null && decoder !== null) {
        if (batch.length >= BATCH_PACKETS) {
          const block = trim.apply(await decoder.decode(batch));
          batch = [];
          if (block !== null) yield block;
        }
        const content = await reader.take(byteCount);
        isCutOff = content === null;
        if (content === null) break;
        batch.push(...packetsOf(content, track));
      } else if (id === DISCARD_PADDING && decoder !== null) {
        const content = await reader.take(byteCount);
        const block = withoutPadding(await decoder.decode(batch), content);
        batch = [];
        const trimmed = trim.apply(block);
        if (trimmed !== null) yield trimmed;
      } else {
        reader.skip(byteCount);
      }
    }
    const last = decoder === null ? null : trim.apply(await decoder.decode(batch));
    if (last !== null) yield last;
    if (isCutOff) throw notDecodable('The last block is cut off.');
  } finally {
    decoder?.[Symbol.dispose]();
  }
  if (track === null) throw noAudioStream('There is no description of any track.');
}

/** Drops the nanoseconds at the end of a block that the encoder added. */
function withoutPadding(block: AudioBlock | null, content: Uint8Array | null): AudioBlock | null {
  if (block === null || content === null) return block;
  const nanoseconds = Number(BigInt.asIntN(8 * content.length, BigInt(unsignedOf(content))));
  const padding = Math.round((nanoseconds * block.sampleRateHz) / 1e9);
  return padding <= 0 ? block : new Trim(0, Math.max(0, sampleCountOf(block) - padding)).apply(block);
}

/** The packets in a block of this track (RFC 9559, section 10); none in a block of another. */
function packetsOf(block: Uint8Array, { number, strippedHeader }: MatroskaTrack): readonly Uint8Array[] {
  const track = variableNumber(block, 0);
  if (track === null || track.value !== number || track.end + 3 > block.length) return [];
  const flags = block[track.end + 2] ?? 0;
  const packets = unlace(block.subarray(track.end + 3), (flags >> 1) & 3);
  return strippedHeader.length === 0 ? packets : packets.map((packet) => Buffer.concat([strippedHeader, packet]));
}

function unlace(body: Uint8Array, lacing: number): readonly Uint8Array[] {
  if (lacing === 0) return [body];
  const count = (body[0] ?? 0) + 1;
  const laced = lacing === 1 ? xiphSizes(body, count) : lacing === 3 ? ebmlSizes(body, count) : fixedSizes(body, count);
  if (laced === null) return [];
  const packets: Uint8Array[] = [];
  let start = laced.end;
  for (const size of laced.sizes) {
    packets.push(body.subarray(start, start + size));
    start += size;
  }
  packets.push(body.subarray(start));
  return start <= body.length ? packets : [];
}

/** Sizes of all packets but the last, which takes what is left, and where the packets start. */
interface Laced {
  readonly sizes: readonly number[];
  readonly end: number;
}

function fixedSizes(body: Uint8Array, count: number): Laced {
  return { sizes: Array.from({ length: count - 1 }, () => Math.floor((body.length - 1) / count)), end: 1 };
}

function xiphSizes(body: Uint8Array, count: number): Laced | null {
  const sizes: number[] = [];
  let end = 1;
  while (sizes.length < count - 1) {
    let size = 0;
    for (let byte = 255; byte === 255; end += 1) {
      byte = body[end] ?? -1;
      if (byte < 0) return null;
      size += byte;
    }
    sizes.push(size);
  }
  return { sizes, end };
}

function ebmlSizes(body: Uint8Array, count: number): Laced | null {
  const sizes: number[] = [];
  let end = 1;
  while (sizes.length < count - 1) {
    const coded = variableNumber(body, end);
    if (coded === null) return null;
    const bias = 2 ** (7 * (coded.end - end) - 1) - 1;
    const size: number = sizes.length === 0 ? coded.value : (sizes.at(-1) ?? 0) + coded.value - bias;
    if (size < 0) return null;
    sizes.push(size);
    end = coded.end;
  }
  return { sizes, end };
}
