/** The description of a Matroska file's tracks. */
import { decodedLeadIn, parseOpusHead } from '../codecs/opus.ts';
import type { StreamDescription } from '../codecs/open-codec.ts';
import { noAudioStream, notDecodable } from '../job.ts';
import { ascii, viewOf } from './bytes.ts';
import { elementsOf, unsignedOf } from './ebml.ts';

export interface MatroskaTrack {
  readonly number: number;
  readonly stream: StreamDescription;
  /** Samples at the start that are not to be heard. */
  readonly leadInSamples: number;
  /** Bytes that each packet begins with and that were left out of the file. */
  readonly strippedHeader: Uint8Array;
}

const TRACK_ENTRY = 0xae;
const AUDIO_TYPE = 2;

interface TrackEntry {
  number: number;
  type: number;
  codec: string;
  private: Uint8Array;
  sampleRateHz: number;
  channelCount: number;
  bitDepth: number;
  strippedHeader: Uint8Array;
  isEncoded: boolean;
}

/** The first audio track; refuses a file that has none, or none that can be decoded. */
export function findAudioTrack(tracks: Uint8Array): MatroskaTrack {
  const entries = [...elementsOf(tracks)]
    .filter(({ id }) => id === TRACK_ENTRY)
    .map(({ content }) => parseEntry(content));
  const audio = entries.filter(({ type }) => type === AUDIO_TYPE);
  if (audio.length === 0) throw noAudioStream('None of the tracks is audio.');
  for (const entry of audio) {
    const stream = entry.isEncoded ? null : streamOf(entry);
    if (stream === null) continue;
    const leadInSamples = stream.codec === 'opus' ? decodedLeadIn(stream.head) : 0;
    return { number: entry.number, stream, leadInSamples, strippedHeader: entry.strippedHeader };
  }
  throw notDecodable(`The audio tracks are: ${audio.map(({ codec }) => codec.slice(0, 32)).join(', ')}.`);
}

function parseEntry(content: Uint8Array): TrackEntry {
  const nothing = new Uint8Array(0);
  const entry: TrackEntry = {
    number: 0,
    type: 0,
    codec: '',
    private: nothing,
    sampleRateHz: 8000,
    channelCount: 1,
    bitDepth: 16,
    strippedHeader: nothing,
    isEncoded: false,
  };
  readInto(entry, content);
  return entry;
}

/** The members lie one or more levels deep; their numbers are unique, so that the levels need not be told apart. */
function readInto(entry: TrackEntry, bytes: Uint8Array): void {
  for (const { id, content } of elementsOf(bytes)) {
    switch (id) {
      case 0xd7:
        entry.number = unsignedOf(content);
        break;
      case 0x83:
        entry.type = unsignedOf(content);
        break;
      case 0x86:
        entry.codec = ascii(content, 0, 64).replaceAll('\0', '');
        break;
      case 0x63_a2:
        entry.private = content.slice();
        break;
      case 0xb5:
        entry.sampleRateHz = floatOf(content);
        break;
      case 0x9f:
        entry.channelCount = unsignedOf(content);
        break;
      case 0x62_64:
        entry.bitDepth = unsignedOf(content);
        break;
      case 0xe1: // Audio
      case 0x6d_80: // ContentEncodings
      case 0x62_40: // ContentEncoding
        readInto(entry, content);
        break;
      case 0x50_34: // ContentCompression: zlib where nothing else is said
        entry.isEncoded = true;
        readInto(entry, content);
        break;
      case 0x50_35: // ContentEncryption
        entry.isEncoded = true;
        break;
      case 0x42_54: // ContentCompAlgo: only header stripping needs no unpacking
        entry.isEncoded = unsignedOf(content) !== 3;
        break;
      case 0x42_55:
        entry.strippedHeader = content.slice();
        break;
    }
  }
}

function floatOf(content: Uint8Array): number {
  if (content.length === 4) return viewOf(content).getFloat32(0, false);
  return content.length === 8 ? viewOf(content).getFloat64(0, false) : 0;
}

function streamOf(entry: TrackEntry): StreamDescription | null {
  const { codec, channelCount, sampleRateHz } = entry;
  const sampleBytes = Math.ceil(entry.bitDepth / 8);
  switch (codec) {
    case 'A_OPUS': {
      const head = parseOpusHead(entry.private);
      return head === null ? null : { codec: 'opus', head };
    }
    case 'A_VORBIS':
      return vorbisOf(entry.private);
    case 'A_FLAC':
      return { codec: 'flac' };
    case 'A_MPEG/L2':
    case 'A_MPEG/L3':
      return { codec: 'mpeg' };
    case 'A_ALAC':
      return { codec: 'aac', configuration: { alac: entry.private }, presentation: null };
    case 'A_PCM/INT/LIT': {
      const encoding = sampleBytes === 1 ? 'unsigned' : 'signed';
      return { codec: 'pcm', layout: { encoding, sampleBytes, littleEndian: true, channelCount }, sampleRateHz };
    }
    case 'A_PCM/FLOAT/IEEE':
      return {
        codec: 'pcm',
        layout: { encoding: 'float', sampleBytes, littleEndian: true, channelCount },
        sampleRateHz,
      };
    default:
      return codec.startsWith('A_AAC') && entry.private.length >= 2
        ? { codec: 'aac', configuration: { asc: entry.private }, presentation: null }
        : null;
  }
}

/** CodecPrivate holds the three header packets, with the sizes of the first two before them in the manner of Xiph. */
function vorbisOf(packets: Uint8Array): StreamDescription | null {
  if (packets[0] !== 2) return null;
  const sizes: number[] = [];
  let offset = 1;
  while (sizes.length < 2) {
    let size = 0;
    for (let byte = 255; byte === 255; offset += 1) {
      byte = packets[offset] ?? 0;
      size += byte;
    }
    sizes.push(size);
  }
  const [first = 0, second = 0] = sizes;
  const identification = packets.subarray(offset, offset + first);
  const setup = packets.subarray(offset + first + second);
  return setup.length === 0 ? null : { codec: 'vorbis', headers: { identification, setup } };
}
