import type { ByteReader } from './byte-reader.ts';
import { ascii, startsWith } from './containers/bytes.ts';
import { findAdtsFrame, parseAdtsHeader } from './containers/adts.ts';
import { skipId3 } from './containers/id3.ts';
import { findFrame, parseFrameHeader } from './containers/mpeg.ts';
import { notDecodable, unsupportedFormat, type AudioFormat } from './job.ts';

/** Bytes in which a stream without a file header has to show a frame. */
const SEARCH_BYTES = 1 << 15;
const MP4_BOXES = ['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot'];

const TRANSPORT_SYNC = 0x47;
/** Where the first packet starts, and how far the next one is. */
const TRANSPORT_PACKETS = [
  [0, 188],
  [4, 192],
  [0, 204],
] as const;

/** Tells the container by its content alone and leaves the reader at its first byte, behind ID3 tags; names and types are not asked. */
export async function recogniseFormat(reader: ByteReader): Promise<AudioFormat> {
  if (!(await reader.fill(1))) throw notDecodable('The file is empty.');
  await skipId3(reader);
  const start = reader.position;
  const format = await byHeader(reader);
  reader.seek(start);
  if (format === null) throw unsupportedFormat('The first bytes are those of no known format.');
  return format;
}

async function byHeader(reader: ByteReader): Promise<AudioFormat | null> {
  await reader.fill(SEARCH_BYTES);
  const bytes = reader.window;
  const type = bytes.length >= 12 ? ascii(bytes, 8, 12) : '';
  if (type === 'WAVE' && ['RIFF', 'RIFX', 'RF64', 'BW64'].includes(ascii(bytes, 0, 4))) return 'wav';
  if (startsWith(bytes, 'FORM') && (type === 'AIFF' || type === 'AIFC')) return 'aiff';
  if (startsWith(bytes, 'OggS')) return 'ogg';
  if (startsWith(bytes, 'fLaC')) return 'flac';
  if (startsWith(bytes, '\u001aE\u00df\u00a3')) return 'webm';
  if (MP4_BOXES.some((box) => startsWith(bytes, box, 4))) return 'mp4';
  return isTransportStream(bytes) ? null : byFrames(bytes);
}

/** Packets of 188 bytes, some with a time before or a checksum behind them, each with the same first byte. Frames of audio lie in them in pieces. */
function isTransportStream(bytes: Uint8Array): boolean {
  return TRANSPORT_PACKETS.some(([first, size]) =>
    [0, 1, 2].every((packet) => bytes[first + packet * size] === TRANSPORT_SYNC),
  );
}

/** Streams of frames have no header of their own: two frames in a row have to fit together. */
function byFrames(bytes: Uint8Array): AudioFormat | null {
  const adts = findAdtsFrame(bytes);
  const isAdts = adts !== null && parseAdtsHeader(bytes, adts.offset + adts.header.byteCount) !== null;
  const mpeg = findFrame(bytes);
  const isMpeg = mpeg !== null && parseFrameHeader(bytes, mpeg.offset + mpeg.header.byteCount) !== null;
  if (isAdts && isMpeg) return adts.offset < mpeg.offset ? 'aac' : 'mp3';
  if (isAdts) return 'aac';
  return isMpeg ? 'mp3' : null;
}
