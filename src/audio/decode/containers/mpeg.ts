/** Streams of MPEG audio frames: mp3, and layers I and II. */
import { Trim, withoutTail, type AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { createMpegDecoder, MPEG_DECODER_DELAY } from '../codecs/mpeg.ts';
import type { PacketDecoder } from '../codecs/packet-decoder.ts';
import { viewOf } from './bytes.ts';

export interface MpegFrameHeader {
  readonly byteCount: number;
  readonly channelCount: 1 | 2;
  /** The header's bits that are the same in all frames of a stream: version, layer and sample rate. */
  readonly signature: number;
  /** Bytes from the frame's start to where a Xing or Info tag would stand. */
  readonly tagOffset: number;
}

const HEADER_BYTES = 4;
/** Bytes of a Xing tag up to and with LAME's delay and padding. */
const TAG_BYTES = 144;
/** Frames that are decoded in one call. */
const BATCH_FRAMES = 32;
const FRAME_BYTES_MAX = 4096;

/** Gives the audio of an MPEG stream; junk between its frames is passed over. */
export async function* readMpeg(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  const first = await nextFrame(reader, null);
  const gapless = first === null ? null : await readGaplessTag(reader, first);
  const padding = gapless === null ? 0 : Math.max(0, gapless.padding - MPEG_DECODER_DELAY);
  const trim = new Trim(gapless === null ? 0 : gapless.delay + MPEG_DECODER_DELAY);
  for await (const block of withoutTail(decodeFrames(reader), padding)) {
    const trimmed = trim.apply(block);
    if (trimmed !== null) yield trimmed;
  }
}

async function* decodeFrames(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  let decoder: PacketDecoder | null = null;
  let kind: MpegFrameHeader | null = null;
  try {
    let batch: Uint8Array[] = [];
    for (;;) {
      const header = await nextFrame(reader, kind);
      const changed = kind !== null && (header === null || !isSameKind(header, kind));
      if (decoder !== null && (changed || batch.length >= BATCH_FRAMES)) {
        const block = await decoder.decode(batch);
        batch = [];
        if (block !== null) yield block;
      }
      if (header === null) return;
      if (decoder === null || changed) {
        decoder?.[Symbol.dispose]();
        decoder = await createMpegDecoder();
        kind = header;
      }
      batch.push(reader.window.slice(0, header.byteCount));
      reader.skip(header.byteCount);
    }
  } finally {
    decoder?.[Symbol.dispose]();
  }
}

/**
 * Moves to the next frame and fills the window with it; null at the end. A frame that is cut off counts as the end. Right
 * behind `previous`, a header of its kind needs no other one behind it: the last frame may be followed by tags.
 */
async function nextFrame(reader: ByteReader, previous: MpegFrameHeader | null): Promise<MpegFrameHeader | null> {
  for (let isBehind = previous !== null; ; isBehind = false) {
    await reader.fill(FRAME_BYTES_MAX + HEADER_BYTES);
    const header = isBehind ? parseFrameHeader(reader.window, 0) : null;
    const isNext = header !== null && header.signature === previous?.signature;
    const found = isNext ? { offset: 0, header } : findFrame(reader.window);
    if (found !== null) {
      reader.skip(found.offset);
      return (await reader.fill(found.header.byteCount)) ? found.header : null;
    }
    if (reader.window.length <= FRAME_BYTES_MAX) return null;
    reader.skip(reader.window.length - FRAME_BYTES_MAX);
  }
}

/** The first header in `bytes` that a second one of its kind follows, or that the bytes end with. */
export function findFrame(bytes: Uint8Array): { offset: number; header: MpegFrameHeader } | null {
  for (let offset = bytes.indexOf(0xff); offset >= 0; offset = bytes.indexOf(0xff, offset + 1)) {
    const header = parseFrameHeader(bytes, offset);
    if (header === null) continue;
    const end = offset + header.byteCount;
    const following = parseFrameHeader(bytes, end);
    if (end + HEADER_BYTES > bytes.length || following?.signature === header.signature) {
      return { offset, header };
    }
  }
  return null;
}

const SIGNATURE_BITS = 0xff_fe_0c_00;
const RATES_HZ = [44_100, 48_000, 32_000];
/** Kilobits a second by index 1 to 14: MPEG-1 layers I to III, then MPEG-2 layer I, then its layers II and III. */
const BITRATES = [
  [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/** Reads a frame header (ISO/IEC 11172-3, 2.4.1.3); null where there is none. */
export function parseFrameHeader(bytes: Uint8Array, offset: number): MpegFrameHeader | null {
  if (offset + HEADER_BYTES > bytes.length) return null;
  const word = viewOf(bytes).getUint32(offset, false);
  const version = (word >>> 19) & 3;
  const layer = 4 - ((word >>> 17) & 3);
  const bitrateIndex = (word >>> 12) & 15;
  const rate = RATES_HZ[(word >>> 10) & 3];
  if (word >>> 21 !== 0x7_ff || version === 1 || layer === 4 || rate === undefined) return null;
  const isVersion1 = version === 3;
  const bitrate = BITRATES[isVersion1 ? layer - 1 : layer === 1 ? 3 : 4]?.[bitrateIndex - 1];
  if (bitrate === undefined) return null;
  const sampleRateHz = rate / (isVersion1 ? 1 : version === 2 ? 2 : 4);
  const padding = (word >>> 9) & 1;
  const sampleCount = layer === 1 ? 384 : layer === 3 && !isVersion1 ? 576 : 1152;
  const slotBytes = layer === 1 ? 4 : 1;
  const byteCount = (Math.floor((sampleCount * bitrate * 125) / sampleRateHz / slotBytes) + padding) * slotBytes;
  const channelCount = ((word >>> 6) & 3) === 3 ? 1 : 2;
  const sideBytes = isVersion1 ? (channelCount === 1 ? 17 : 32) : channelCount === 1 ? 9 : 17;
  return { byteCount, channelCount, signature: word & SIGNATURE_BITS, tagOffset: HEADER_BYTES + sideBytes };
}

function isSameKind(one: MpegFrameHeader, other: MpegFrameHeader): boolean {
  return one.channelCount === other.channelCount && one.signature === other.signature;
}

/** Passes over a first frame that holds only a Xing or Info tag, and gives the encoder's delay and padding where it has them. */
async function readGaplessTag(
  reader: ByteReader,
  { byteCount, tagOffset }: MpegFrameHeader,
): Promise<{ delay: number; padding: number } | null> {
  const frame = reader.window.subarray(0, byteCount);
  const tag = frame.subarray(tagOffset, tagOffset + TAG_BYTES);
  const name = String.fromCharCode(...tag.subarray(0, 4));
  if (name !== 'Xing' && name !== 'Info') return null;
  reader.skip(byteCount);
  if (tag.length < TAG_BYTES) return null;
  const flags = viewOf(tag).getUint32(4, false);
  const fieldBytes = [4, 4, 100, 4].reduce((sum, size, bit) => sum + ((flags >> bit) & 1) * size, 8);
  const encoder = tag.subarray(fieldBytes);
  const isKnown = /^(LAME|Lavf|Lavc|GOGO)/.test(String.fromCharCode(...encoder.subarray(0, 4)));
  if (!isKnown || encoder.length < 24) return null;
  const [high = 0, middle = 0, low = 0] = encoder.subarray(21, 24);
  return { delay: (high << 4) | (middle >> 4), padding: ((middle & 15) << 8) | low };
}
