/** RIFF, RIFX and RF64 files: uncompressed audio of every kind, and the two ADPCM encodings. */
import { Trim, type AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { decodeImaBlock, decodeMicrosoftBlock, type AdpcmBlockDecoder } from '../codecs/adpcm.ts';
import type { PcmLayout } from '../codecs/pcm.ts';
import { notDecodable } from '../job.ts';
import { ascii, viewOf } from './bytes.ts';
import { CHUNKS_MAX, readPcmFrames } from './pcm-frames.ts';

const FORMAT_BYTES_MAX = 4096;
/** Writers that don't know the length yet leave one of these; the audio then runs to the end of the file. */
const UNKNOWN_SIZES = [0, 0xff_ff_ff_ff];
const SUB_FORMAT_OFFSET = 24;

interface WavFormat {
  readonly tag: number;
  readonly channelCount: number;
  readonly sampleRateHz: number;
  readonly blockBytes: number;
  readonly bitsPerSample: number;
}

/** Gives the audio of a WAV file block by block. Sizes that lie past the end of the file mean its end. */
export async function* readWav(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  const outer = await reader.take(12);
  if (outer === null) throw notDecodable('The RIFF header is cut off.');
  const littleEndian = ascii(outer, 0, 4) !== 'RIFX';
  let format: WavFormat | null = null;
  let largeDataBytes: number | null = null;
  let declaredSamples: number | null = null;
  for (let chunk = 0; chunk < CHUNKS_MAX; chunk += 1) {
    const header = await reader.take(8);
    if (header === null) throw notDecodable('There is no data chunk.');
    const name = ascii(header, 0, 4);
    const byteCount = viewOf(header).getUint32(4, littleEndian);
    if (name === 'data') {
      if (format === null) throw notDecodable('There is no fmt chunk before the data.');
      const dataBytes = largeDataBytes ?? (UNKNOWN_SIZES.includes(byteCount) ? Infinity : byteCount);
      yield* readSamples(reader, format, littleEndian, dataBytes, declaredSamples);
      return;
    }
    const next = reader.position + byteCount;
    const body = WANTED.includes(name) ? await reader.take(Math.min(byteCount, FORMAT_BYTES_MAX)) : null;
    if (body !== null && name === 'fmt ') format = parseFormat(body, littleEndian);
    if (body !== null && name === 'fact' && body.length >= 4) declaredSamples = viewOf(body).getUint32(0, littleEndian);
    if (body !== null && name === 'ds64' && body.length >= 16) largeDataBytes = dataBytesOf(body);
    reader.seek(next);
    // A chunk of odd length has a zero behind it, which some writers forget.
    if ((byteCount & 1) === 1 && (await reader.fill(1)) && reader.window[0] === 0) reader.skip(1);
  }
  throw notDecodable(`There are more than ${CHUNKS_MAX} chunks before the data.`);
}

const WANTED = ['fmt ', 'fact', 'ds64'];

function dataBytesOf(ds64: Uint8Array): number | null {
  const byteCount = Number(viewOf(ds64).getBigUint64(8, true));
  return byteCount === 0 ? null : byteCount;
}

function parseFormat(body: Uint8Array, littleEndian: boolean): WavFormat {
  if (body.length < 14) throw notDecodable('The fmt chunk is too short.');
  const view = viewOf(body);
  const tag = view.getUint16(0, littleEndian);
  const extended = tag === 0xff_fe && body.length >= SUB_FORMAT_OFFSET + 2;
  return {
    tag: extended ? view.getUint16(SUB_FORMAT_OFFSET, littleEndian) : tag,
    channelCount: view.getUint16(2, littleEndian),
    sampleRateHz: view.getUint32(4, littleEndian),
    blockBytes: view.getUint16(12, littleEndian),
    bitsPerSample: body.length >= 16 ? view.getUint16(14, littleEndian) : 8,
  };
}

async function* readSamples(
  reader: ByteReader,
  format: WavFormat,
  littleEndian: boolean,
  dataBytes: number,
  declaredSamples: number | null,
): AsyncGenerator<AudioBlock, void, undefined> {
  switch (format.tag) {
    case 0x02:
      yield* readAdpcm(reader, format, decodeMicrosoftBlock, dataBytes, declaredSamples);
      return;
    case 0x11:
      yield* readAdpcm(reader, format, decodeImaBlock, dataBytes, declaredSamples);
      return;
    default:
      yield* readPcmFrames(reader, layoutOf(format, littleEndian), format.sampleRateHz, dataBytes);
  }
}

function layoutOf(format: WavFormat, littleEndian: boolean): PcmLayout {
  const { tag, channelCount, blockBytes, bitsPerSample } = format;
  const bitsBytes = Math.ceil(bitsPerSample / 8);
  // A block may be padded (20 bits in 4 bytes); where its size makes no sense, the bits alone count.
  const paddedBytes = blockBytes / channelCount;
  const sampleBytes = Number.isInteger(paddedBytes) && paddedBytes >= bitsBytes ? paddedBytes : bitsBytes;
  const common = { sampleBytes, channelCount, littleEndian };
  switch (tag) {
    case 0x01:
      return { encoding: sampleBytes === 1 ? 'unsigned' : 'signed', ...common };
    case 0x03:
      return { encoding: 'float', ...common };
    case 0x06:
      return { encoding: 'alaw', ...common, sampleBytes: 1 };
    case 0x07:
      return { encoding: 'ulaw', ...common, sampleBytes: 1 };
    default:
      throw notDecodable(`The WAV encoding 0x${tag.toString(16)} is not known.`);
  }
}

async function* readAdpcm(
  reader: ByteReader,
  format: WavFormat,
  decodeBlock: AdpcmBlockDecoder,
  dataBytes: number,
  declaredSamples: number | null,
): AsyncGenerator<AudioBlock, void, undefined> {
  const { channelCount, blockBytes, sampleRateHz } = format;
  if (channelCount < 1 || channelCount > 2 || blockBytes < 8 * channelCount) {
    throw notDecodable(`ADPCM blocks of ${blockBytes} bytes for ${channelCount} channels are impossible.`);
  }
  // The last block is padded; the number of samples beside the data says how far it counts, where it is believable.
  const end = reader.position + dataBytes;
  let sampleCount = 0;
  while (reader.position < end) {
    await reader.fill(Math.min(blockBytes, end - reader.position));
    const bytes = reader.window.slice(0, Math.min(blockBytes, end - reader.position));
    const channels = decodeBlock(bytes, channelCount);
    if (channels === null) return;
    reader.skip(bytes.length);
    const isLast = reader.position >= end || !(await reader.fill(1));
    const left = isLast && declaredSamples !== null ? declaredSamples - sampleCount : Infinity;
    const block = new Trim(0, left > 0 ? left : Infinity).apply({ channels, sampleRateHz });
    sampleCount += channels[0]?.length ?? 0;
    if (block !== null) yield block;
  }
}
