/** AIFF and AIFF-C files with uncompressed audio. */
import type { AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import type { PcmLayout } from '../codecs/pcm.ts';
import { notDecodable } from '../job.ts';
import { ascii, viewOf } from './bytes.ts';
import { CHUNKS_MAX, readPcmFrames } from './pcm-frames.ts';

interface AiffFormat {
  readonly layout: PcmLayout;
  readonly sampleRateHz: number;
}

const COMMON_BYTES = 18;

/** Gives the audio of an AIFF file block by block. */
export async function* readAiff(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  if ((await reader.take(12)) === null) throw notDecodable('The FORM header is cut off.');
  let format: AiffFormat | null = null;
  let samples: { readonly position: number; readonly byteCount: number } | null = null;
  // The description may stand behind the samples.
  for (let chunk = 0; chunk < CHUNKS_MAX && (format === null || samples === null); chunk += 1) {
    const header = await reader.take(8);
    if (header === null) break;
    const byteCount = viewOf(header).getUint32(4, false);
    const next = reader.position + byteCount + (byteCount & 1);
    if (ascii(header, 0, 4) === 'COMM') {
      format = parseCommon(await reader.take(Math.min(byteCount, COMMON_BYTES + 4)));
    } else if (ascii(header, 0, 4) === 'SSND') {
      const head = await reader.take(8);
      const offset = head === null ? 0 : viewOf(head).getUint32(0, false);
      samples = { position: reader.position + offset, byteCount: Math.max(0, byteCount - 8 - offset) };
    }
    reader.seek(next);
  }
  if (format === null || samples === null) throw notDecodable('The COMM or the SSND chunk is missing.');
  reader.seek(samples.position);
  yield* readPcmFrames(reader, format.layout, format.sampleRateHz, samples.byteCount);
}

function parseCommon(body: Uint8Array | null): AiffFormat {
  if (body === null || body.length < COMMON_BYTES) throw notDecodable('The COMM chunk is too short.');
  const view = viewOf(body);
  const channelCount = view.getUint16(0, false);
  const sampleBytes = Math.ceil(view.getUint16(6, false) / 8);
  const compression = body.length >= COMMON_BYTES + 4 ? ascii(body, COMMON_BYTES, COMMON_BYTES + 4) : 'NONE';
  const kind = KINDS[compression];
  if (kind === undefined) throw notDecodable(`The AIFF-C compression "${compression}" is not known.`);
  return {
    layout: { sampleBytes, channelCount, littleEndian: false, ...kind },
    sampleRateHz: extendedToNumber(view),
  };
}

const KINDS: Readonly<Record<string, Pick<PcmLayout, 'encoding'> & Partial<PcmLayout>>> = {
  NONE: { encoding: 'signed' },
  twos: { encoding: 'signed' },
  sowt: { encoding: 'signed', littleEndian: true },
  in24: { encoding: 'signed', sampleBytes: 3 },
  in32: { encoding: 'signed', sampleBytes: 4 },
  'raw ': { encoding: 'unsigned' },
  fl32: { encoding: 'float', sampleBytes: 4 },
  FL32: { encoding: 'float', sampleBytes: 4 },
  fl64: { encoding: 'float', sampleBytes: 8 },
  FL64: { encoding: 'float', sampleBytes: 8 },
  ulaw: { encoding: 'ulaw', sampleBytes: 1 },
  ULAW: { encoding: 'ulaw', sampleBytes: 1 },
  alaw: { encoding: 'alaw', sampleBytes: 1 },
  ALAW: { encoding: 'alaw', sampleBytes: 1 },
};

/** The sample rate is an 80-bit float: 15 bits of exponent, then 64 of mantissa with its leading one. */
function extendedToNumber(view: DataView): number {
  const exponent = (view.getUint16(8, false) & 0x7f_ff) - 16_383;
  return view.getUint32(10, false) * 2 ** (exponent - 31) + view.getUint32(14, false) * 2 ** (exponent - 63);
}
