/** Raw AAC streams: access units that each have an ADTS header. */
import { Trim, type AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { createAacDecoder } from '../codecs/aac.ts';
import { notDecodable } from '../job.ts';

export interface AdtsHeader {
  readonly headerBytes: number;
  /** Of what is coded; spectral band replication doubles it. */
  readonly sampleRateHz: number;
  /** Bytes of the frame with its header. */
  readonly byteCount: number;
  /** The two bytes of AudioSpecificConfig that say the same. */
  readonly asc: Uint8Array;
}

const HEADER_BYTES = 7;
const FRAME_BYTES_MAX = 8191;
const BATCH_FRAMES = 32;

/** ISO/IEC 14496-3, table 1.18. */
const SAMPLE_RATES_HZ = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
] as const;

/**
 * By so much the filter banks of spectral band replication delay what comes out of the decoder. What an encoder put in
 * front beside that, the stream doesn't say.
 */
const BAND_REPLICATION_DELAY_SAMPLES = 962;

/** Gives the audio of an ADTS stream; the header of its first frame counts for all. */
export async function* readAdts(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  const first = await nextFrame(reader, false);
  if (first === null) throw notDecodable('There is no ADTS frame.');
  using decoder = await createAacDecoder({ asc: first.asc }, null);
  let batch: Uint8Array[] = [];
  let lead: Trim | null = null;
  const decode = async (): Promise<AudioBlock | null> => {
    const block = await decoder.decode(batch);
    if (block === null || block.channels.length === 0) return block;
    lead ??= new Trim(block.sampleRateHz > first.sampleRateHz ? BAND_REPLICATION_DELAY_SAMPLES : 0);
    return lead.apply(block);
  };
  for (let header: AdtsHeader | null = first; header !== null; header = await nextFrame(reader, true)) {
    batch.push(reader.window.slice(header.headerBytes, header.byteCount));
    reader.skip(header.byteCount);
    if (batch.length < BATCH_FRAMES) continue;
    const block = await decode();
    batch = [];
    if (block !== null) yield block;
  }
  const last = await decode();
  if (last !== null) yield last;
}

/** Right behind another frame a header needs no other one behind it: the last frame may be followed by tags. */
async function nextFrame(reader: ByteReader, isBehindAnother: boolean): Promise<AdtsHeader | null> {
  for (let isBehind = isBehindAnother; ; isBehind = false) {
    await reader.fill(FRAME_BYTES_MAX + HEADER_BYTES);
    const header = isBehind ? parseAdtsHeader(reader.window, 0) : null;
    const found = header === null ? findAdtsFrame(reader.window) : { offset: 0, header };
    if (found !== null) {
      reader.skip(found.offset);
      return (await reader.fill(found.header.byteCount)) ? found.header : null;
    }
    if (reader.window.length <= FRAME_BYTES_MAX) return null;
    reader.skip(reader.window.length - FRAME_BYTES_MAX);
  }
}

/** The first header in `bytes` that a second one follows, or that the bytes end with. */
export function findAdtsFrame(bytes: Uint8Array): { offset: number; header: AdtsHeader } | null {
  for (let offset = bytes.indexOf(0xff); offset >= 0; offset = bytes.indexOf(0xff, offset + 1)) {
    const header = parseAdtsHeader(bytes, offset);
    if (header === null) continue;
    const end = offset + header.byteCount;
    if (end + HEADER_BYTES > bytes.length || parseAdtsHeader(bytes, end) !== null) return { offset, header };
  }
  return null;
}

/** Reads a header (ISO/IEC 14496-3, 1.A.2.2); null where there is none. */
export function parseAdtsHeader(bytes: Uint8Array, offset: number): AdtsHeader | null {
  const [sync, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6] = bytes.subarray(offset, offset + HEADER_BYTES);
  if (b6 === undefined || sync !== 0xff || (b1 & 0xf6) !== 0xf0) return null;
  const objectType = (b2 >> 6) + 1;
  const rateIndex = (b2 >> 2) & 15;
  const channels = ((b2 & 1) << 2) | (b3 >> 6);
  const headerBytes = (b1 & 1) === 1 ? HEADER_BYTES : HEADER_BYTES + 2;
  const byteCount = ((b3 & 3) << 11) | (b4 << 3) | (b5 >> 5);
  const sampleRateHz = SAMPLE_RATES_HZ[rateIndex];
  if (sampleRateHz === undefined || byteCount <= headerBytes) return null;
  const asc = Uint8Array.of((objectType << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channels << 3));
  return { headerBytes, sampleRateHz, byteCount, asc };
}
