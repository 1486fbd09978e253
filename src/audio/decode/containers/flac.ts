/** Native FLAC files. */
import type { AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { createFlacDecoder } from '../codecs/flac.ts';
import { notDecodable, tooLong } from '../job.ts';

const BATCH_FRAMES = 8;
const STREAM_INFO = 0;
const FRAME_BYTES_MIN = 10;
const HEADER_BYTES_MAX = 16;
/** A frame of 65,535 samples in eight channels of 32 bits, uncompressed. */
const FRAME_BYTES_MAX = 65_535 * 8 * 4 + 1024;

/**
 * Bytes of frames whose headers are looked at before the first of them is decoded. They can hold three days of silence:
 * so a file that is too long is found out by its headers, and not by hours of decoding.
 */
const AHEAD_BYTES = 1 << 20;

/**
 * Gives the audio of a FLAC file. What is damaged between two frames is passed over.
 * @param secondsMax length by its frames' headers above which it is refused.
 */
export async function* readFlac(reader: ByteReader, secondsMax: number): AsyncGenerator<AudioBlock, void, undefined> {
  const streamRateHz = await readMetadata(reader);
  using decoder = await createFlacDecoder();
  let seconds = 0;

  async function takeFrames(): Promise<readonly Uint8Array[]> {
    const frames: Uint8Array[] = [];
    for (let byteCount = 0; byteCount < AHEAD_BYTES;) {
      const frame = await takeFrame(reader);
      if (frame === null) break;
      const { sampleCount, sampleRateHz = streamRateHz } = frame.header;
      if (sampleRateHz > 0) seconds += sampleCount / sampleRateHz;
      // What is only just too long is for those who count decoded samples.
      if (seconds > secondsMax + 1) throw tooLong(secondsMax);
      frames.push(frame.bytes);
      byteCount += frame.bytes.length;
    }
    return frames;
  }

  for (let frames = await takeFrames(); frames.length > 0; frames = await takeFrames()) {
    for (let start = 0; start < frames.length; start += BATCH_FRAMES) {
      const block = await decoder.decode(frames.slice(start, start + BATCH_FRAMES));
      if (block !== null) yield block;
    }
  }
}

/** Passes over the metadata and gives the sample rate that it names. */
async function readMetadata(reader: ByteReader): Promise<number> {
  reader.skip(4);
  let sampleRateHz = 0;
  for (let isLast = false; !isLast;) {
    const header = await reader.take(4);
    if (header === null) throw notDecodable('The FLAC metadata is cut off.');
    const [kind = 0, high = 0, middle = 0, low = 0] = header;
    isLast = (kind & 0x80) !== 0;
    const byteCount = (high << 16) | (middle << 8) | low;
    if ((kind & 0x7f) === STREAM_INFO && (await reader.fill(Math.min(byteCount, 13)))) {
      const [first = 0, second = 0, third = 0] = reader.window.subarray(10, 13);
      sampleRateHz = (first << 12) | (second << 4) | (third >> 4);
    }
    reader.skip(byteCount);
  }
  return sampleRateHz;
}

/** The bytes from the next frame header up to the one after it, or to the end of the file. */
async function takeFrame(reader: ByteReader): Promise<Frame | null> {
  const start = await find(reader, 0, null);
  if (start === null) return null;
  reader.skip(start.offset);
  const end = await find(reader, FRAME_BYTES_MIN, start.header);
  const bytes = reader.window.slice(0, end?.offset ?? Math.min(reader.window.length, FRAME_BYTES_MAX));
  reader.skip(bytes.length);
  return { header: start.header, bytes };
}

/** The first frame header at or after `offset` of the window, which widens as needed; null where none comes in reach. */
async function find(
  reader: ByteReader,
  offset: number,
  before: FrameHeader | null,
): Promise<{ offset: number; header: FrameHeader } | null> {
  let searched = offset;
  for (;;) {
    const isMore = await reader.fill(searched + HEADER_BYTES_MAX);
    const bytes = reader.window;
    const limit = isMore ? bytes.length - HEADER_BYTES_MAX : bytes.length;
    for (let at = bytes.indexOf(0xff, searched); at >= 0 && at <= limit; at = bytes.indexOf(0xff, at + 1)) {
      const header = parseFrameHeader(bytes, at);
      if (header !== null && (before === null || follows(header, before))) return { offset: at, header };
    }
    if (!isMore || bytes.length > FRAME_BYTES_MAX) return null;
    searched = Math.max(searched, limit + 1);
  }
}

interface Frame {
  readonly header: FrameHeader;
  readonly bytes: Uint8Array;
}

interface FrameHeader {
  /** The number of the frame, or of its first sample where block sizes vary. */
  readonly number: number;
  /** The bits that are the same in all frames of a file: strategy, sample rate and sample size. */
  readonly signature: number;
  /** Samples of each channel in the frame. */
  readonly sampleCount: number;
  /** Missing where the frame leaves it to the file's metadata. */
  readonly sampleRateHz: number | undefined;
}

/** By their codes in a frame header; the codes after the last stand for numbers of their own behind the header. */
const RATES_HZ = [undefined, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];

/** More frames, or samples, than damage to a file is likely to swallow at once. */
const NUMBER_GAP_MAX = 1 << 20;

function follows(header: FrameHeader, before: FrameHeader): boolean {
  const gap = header.number - before.number;
  return header.signature === before.signature && gap > 0 && gap <= NUMBER_GAP_MAX;
}

/** Reads a frame header (RFC 9639, section 9.1) that its checksum confirms; null where there is none. */
function parseFrameHeader(bytes: Uint8Array, offset: number): FrameHeader | null {
  const [sync = 0, strategy = 0, sizes = 0, kind = 0] = bytes.subarray(offset, offset + 4);
  if (sync !== 0xff || (strategy & 0xfe) !== 0xf8 || (kind & 1) !== 0) return null;
  const blockCode = sizes >> 4;
  const rateCode = sizes & 15;
  if (blockCode === 0 || rateCode === 15) return null;
  const coded = readCodedNumber(bytes, offset + 4);
  if (coded === null) return null;
  let end = coded.end;
  const sampleCountAt = end;
  end += blockCode === 6 ? 1 : blockCode === 7 ? 2 : 0;
  const rateAt = end;
  end += rateCode === 12 ? 1 : rateCode > 12 ? 2 : 0;
  if (end >= bytes.length || bytes[end] !== crc8(bytes.subarray(offset, end))) return null;
  return {
    number: coded.value,
    signature: (strategy << 16) | (rateCode << 8) | (kind & 0x0e),
    sampleCount: sampleCountOf(blockCode, bytes, sampleCountAt),
    sampleRateHz: rateCode < 12 ? RATES_HZ[rateCode] : rateOf(rateCode, bytes, rateAt),
  };
}

function sampleCountOf(code: number, bytes: Uint8Array, offset: number): number {
  if (code === 1) return 192;
  if (code <= 5) return 576 << (code - 2);
  if (code >= 8) return 256 << (code - 8);
  const [first = 0, second = 0] = bytes.subarray(offset, offset + 2);
  return 1 + (code === 6 ? first : (first << 8) | second);
}

function rateOf(code: number, bytes: Uint8Array, offset: number): number {
  const [first = 0, second = 0] = bytes.subarray(offset, offset + 2);
  if (code === 12) return first * 1000;
  return ((first << 8) | second) * (code === 14 ? 10 : 1);
}

/** A number in the manner of UTF-8, up to 36 bits. */
function readCodedNumber(bytes: Uint8Array, offset: number): { value: number; end: number } | null {
  const first = bytes[offset] ?? 0xff;
  const leading = Math.clz32(~first << 24);
  if (leading === 0) return { value: first, end: offset + 1 };
  if (leading === 1 || leading > 7) return null;
  let value = first & (0x7f >> leading);
  for (let index = 1; index < leading; index += 1) {
    const next = bytes[offset + index] ?? 0;
    if ((next & 0xc0) !== 0x80) return null;
    value = value * 64 + (next & 0x3f);
  }
  return { value, end: offset + leading };
}

const CRC8 = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ ((crc & 0x80) === 0 ? 0 : 0x1_07);
  return crc;
});

function crc8(bytes: Uint8Array): number {
  return bytes.reduce((crc, byte) => CRC8[crc ^ byte] ?? 0, 0);
}
