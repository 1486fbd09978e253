/** The description of an MP4 file's audio track. */
import { gaplessTagOf } from './itunes.ts';
import { parseOpusHead } from '../codecs/opus.ts';
import type { Presentation } from '../codecs/aac.ts';
import type { StreamDescription } from '../codecs/open-codec.ts';
import { noAudioStream, notDecodable } from '../job.ts';
import { ascii, viewOf } from './bytes.ts';
import { boxesOf, findBox } from './mp4-boxes.ts';

export interface Mp4Track {
  readonly id: number;
  readonly stream: StreamDescription;
  /** The box with the tables that say where the samples lie. */
  readonly sampleTable: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/** The first audio track of a `moov` box; refuses a file that has none, or none that can be decoded. */
export function findAudioTrack(moov: Uint8Array): Mp4Track {
  const tracks = [...boxesOf(moov)].filter(({ type }) => type === 'trak').map(({ content }) => content);
  const audio = tracks.filter((track) => handlerOf(track) === 'soun');
  if (audio.length === 0) throw noAudioStream(`There are ${tracks.length} tracks, none of them audio.`);
  const seen: string[] = [];
  for (const track of audio) {
    const sampleTable = findBox(track, 'mdia', 'minf', 'stbl') ?? EMPTY;
    const entry = [...boxesOf(findBox(sampleTable, 'stsd') ?? EMPTY, 8)][0];
    if (entry === undefined) continue;
    seen.push(entry.type);
    const presentation = presentationOf(moov, track);
    const stream = isInThisFile(track) ? streamOf(entry.type, entry.content, presentation) : null;
    const header = findBox(track, 'tkhd');
    if (stream === null || header === null || header.length < 24) continue;
    const id = viewOf(header).getUint32(header[0] === 1 ? 20 : 12, false);
    return { id, stream, sampleTable };
  }
  throw notDecodable(`The audio tracks are: ${seen.join(', ')}.`);
}

function handlerOf(track: Uint8Array): string {
  return ascii(findBox(track, 'mdia', 'hdlr') ?? EMPTY, 8, 12);
}

/** A data reference may name another file: nothing but the file that was sent is ever opened. */
function isInThisFile(track: Uint8Array): boolean {
  const references = findBox(track, 'mdia', 'minf', 'dinf', 'dref');
  return references === null || [...boxesOf(references, 8)].every(({ content }) => ((content[3] ?? 0) & 1) === 1);
}

function streamOf(type: string, entry: Uint8Array, presentation: Presentation | null): StreamDescription | null {
  if (entry.length < 28) return null;
  // QuickTime's second and third version of the description are longer.
  const version = viewOf(entry).getUint16(8, false);
  const inner = entry.subarray(version === 0 ? 28 : version === 1 ? 44 : 64);
  switch (type) {
    case 'mp4a':
      return elementaryStream(findBox(inner, 'esds') ?? findBox(inner, 'wave', 'esds'), presentation);
    case 'alac': {
      const cookie = (findBox(inner, 'alac') ?? findBox(inner, 'wave', 'alac'))?.slice(-24);
      return cookie?.length === 24 ? { codec: 'aac', configuration: { alac: cookie }, presentation } : null;
    }
    case 'Opus':
      return opusOf(findBox(inner, 'dOps'));
    case 'fLaC':
      return { codec: 'flac' };
    case '.mp3':
      return { codec: 'mpeg' };
    default:
      return null;
  }
}

/** An `esds` box: nested descriptors, of which the object type and the decoder's configuration matter. */
function elementaryStream(esds: Uint8Array | null, presentation: Presentation | null): StreamDescription | null {
  let objectType = 0;
  for (let offset = 4; esds !== null && offset + 2 < esds.length;) {
    const tag = esds[offset] ?? 0;
    let byteCount = 0;
    let byte = 0x80;
    for (offset += 1; (byte & 0x80) !== 0 && offset < esds.length; offset += 1) {
      byte = esds[offset] ?? 0;
      byteCount = byteCount * 128 + (byte & 0x7f);
    }
    if (tag === 0x03) {
      offset += 3;
    } else if (tag === 0x04) {
      objectType = esds[offset] ?? 0;
      offset += 13;
    } else if (tag === 0x05) {
      const asc = esds.slice(offset, offset + byteCount);
      return asc.length < 2 ? null : { codec: 'aac', configuration: { asc }, presentation };
    } else {
      offset += byteCount;
    }
  }
  return objectType === 0x69 || objectType === 0x6b ? { codec: 'mpeg' } : null;
}

/** A `dOps` box holds the fields of an `OpusHead` packet in the other byte order. */
function opusOf(box: Uint8Array | null): StreamDescription | null {
  if (box === null || box.length < 11) return null;
  const head = new Uint8Array(8 + box.length);
  head.set(box, 8);
  const view = viewOf(box);
  viewOf(head).setUint16(10, view.getUint16(2, false), true);
  viewOf(head).setUint32(12, view.getUint32(4, false), true);
  viewOf(head).setUint16(16, view.getUint16(8, false), true);
  const parsed = parseOpusHead(head);
  return parsed === null ? null : { codec: 'opus', head: parsed };
}

/** From the edit list where it has one edit, else from iTunes' tag: several edits cut or repeat, so that all is decoded. */
function presentationOf(moov: Uint8Array, track: Uint8Array): Presentation | null {
  const mediaHz = timescaleOf(findBox(track, 'mdia', 'mdhd'));
  const movieHz = timescaleOf(findBox(moov, 'mvhd'));
  const edits = editsOf(findBox(track, 'edts', 'elst'));
  const [edit] = edits;
  if (edit !== undefined && mediaHz > 0) {
    if (edits.length > 1) return null;
    const start = edit.mediaTime / mediaHz;
    // The length is in the movie's coarse units, rounded down by some writers: one unit more never cuts speech.
    const duration =
      movieHz > 0 && edit.duration > 0 ? (edit.duration + (movieHz < mediaHz ? 1 : 0)) / movieHz : Infinity;
    const coded = codedDuration(findBox(track, 'mdia', 'minf', 'stbl', 'stts')) / mediaHz - start;
    const known = Math.min(duration, coded > 0 ? coded : Infinity);
    return Number.isFinite(known) ? { start, duration: known } : { start };
  }
  const tag = gaplessTagOf(moov);
  return tag === null || mediaHz === 0 ? null : { start: tag.delay / mediaHz, duration: tag.sampleCount / mediaHz };
}

function timescaleOf(header: Uint8Array | null): number {
  if (header === null || header.length < 24) return 0;
  return viewOf(header).getUint32(header[0] === 1 ? 20 : 12, false);
}

/** The edits that show a part of the media; empty ones only delay it. */
function editsOf(list: Uint8Array | null): readonly { duration: number; mediaTime: number }[] {
  if (list === null || list.length < 8) return [];
  const view = viewOf(list);
  const isLarge = list[0] === 1;
  const entryBytes = isLarge ? 20 : 12;
  const count = Math.min(view.getUint32(4, false), Math.floor((list.length - 8) / entryBytes));
  return Array.from({ length: count }, (_, index) => {
    const offset = 8 + index * entryBytes;
    return isLarge
      ? { duration: Number(view.getBigUint64(offset, false)), mediaTime: Number(view.getBigInt64(offset + 8, false)) }
      : { duration: view.getUint32(offset, false), mediaTime: view.getInt32(offset + 4, false) };
  }).filter(({ mediaTime }) => mediaTime >= 0);
}

function codedDuration(times: Uint8Array | null): number {
  if (times === null || times.length < 8) return 0;
  const view = viewOf(times);
  const count = Math.min(view.getUint32(4, false), Math.floor((times.length - 8) / 8));
  let duration = 0;
  for (let index = 0; index < count; index += 1) {
    duration += view.getUint32(8 + index * 8, false) * view.getUint32(12 + index * 8, false);
  }
  return duration;
}
