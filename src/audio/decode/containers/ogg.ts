/** Ogg files: Vorbis, Opus and FLAC, chained streams too. Other streams beside them, such as video, are passed over. */
import type { AppError } from '../../../core/errors.ts';
import { Trim, sampleCountOf, type AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { noAudioStream, notDecodable, unsupportedFormat } from '../job.ts';
import { startsWith, viewOf } from './bytes.ts';
import { openOggStream, OGG_CODECS, type OggStream } from './ogg-streams.ts';

interface Page {
  readonly serial: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The position of the page's end in the stream's own clock, null where no packet ends on it. */
  readonly granule: number | null;
  /** What ends on this page; the first may have begun on an earlier one. */
  readonly packets: readonly Uint8Array[];
}

const PAGE_HEADER_BYTES = 27;
const PACKET_BYTES_MAX = 1 << 24;
/** Streams one after the other above which a file is refused: each costs a new decoder. */
const STREAMS_MAX = 256;

/** Gives the audio of an Ogg file block by block. Lost pages leave a gap; nothing is put in its place. */
export async function* readOgg(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  const pages = new PageReader(reader);
  let stream: Playing | null = null;
  let streamCount = 0;
  const passedOver = new Set<string>();
  try {
    for (let page = await pages.next(); page !== null; page = await pages.next()) {
      if (page.isFirst && (stream === null || stream.ended || stream.serial === page.serial)) {
        const head = page.packets[0] ?? new Uint8Array(0);
        const codec = OGG_CODECS.find(({ magic }) => startsWith(head, magic));
        if (codec === undefined) {
          passedOver.add(readable(head));
          continue;
        }
        streamCount += 1;
        if (streamCount > STREAMS_MAX) throw tooManyStreams();
        stream?.dispose();
        stream = new Playing(page.serial, openOggStream(codec.name, head));
      } else if (stream !== null && stream.serial === page.serial) {
        const block = await stream.play(page);
        if (block !== null) yield block;
      }
    }
  } finally {
    stream?.dispose();
  }
  if (streamCount > 0) return;
  const kinds = [...passedOver].join(', ');
  if (kinds.includes('Speex')) throw notDecodable('Speex is not decoded.');
  throw noAudioStream(`The Ogg streams are: ${kinds}.`);
}

/** Not taken for damage, after which what came before would stand. */
function tooManyStreams(): AppError {
  const message = `The file is a chain of more than ${STREAMS_MAX} streams. Export it as one.`;
  return unsupportedFormat('The Ogg file has too many streams.', message);
}

/** A logical stream with its place in it. */
class Playing {
  readonly serial: number;
  ended = false;
  readonly #stream: OggStream;
  #skip: Trim | null = null;
  /** Samples decoded so far, the lead-in among them. */
  #decodedSamples = 0;
  /** What the stream's clock showed before its first sample: not zero in recordings of a running broadcast. */
  #startGranule: number | null = null;

  constructor(serial: number, stream: OggStream) {
    this.serial = serial;
    this.#stream = stream;
  }

  async play(page: Page): Promise<AudioBlock | null> {
    this.ended = page.isLast;
    const packets = page.packets.filter((packet) => packet.length > 0);
    const block = await this.#stream.decode(packets);
    if (block === null) return null;
    const before = this.#decodedSamples;
    const sampleCount = sampleCountOf(block);
    this.#decodedSamples += sampleCount;
    this.#skip ??= new Trim(this.#stream.leadInSamples());
    return this.#skip.apply(new Trim(0, this.#samplesUpTo(page, before, sampleCount)).apply(block));
  }

  dispose(): void {
    this.#stream.dispose();
  }

  /** How many of a page's samples count: the last page's position may lie before the end of its last packet. */
  #samplesUpTo(page: Page, before: number, sampleCount: number): number {
    if (page.granule === null) return sampleCount;
    const granule = Math.round(page.granule * this.#stream.samplesPerGranule);
    // A stream that is one page long starts at zero: otherwise its end could not be told from its start.
    this.#startGranule ??= page.isLast ? 0 : granule - sampleCount;
    const position = granule - this.#startGranule - before;
    return page.isLast && position >= 0 && position < sampleCount ? position : sampleCount;
  }
}

/** Puts packets together from pages, for each stream by itself. */
class PageReader {
  readonly #reader: ByteReader;
  readonly #unfinished = new Map<number, Uint8Array>();

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /** The next page, after whatever stands before it; null at the end of the file. Throws at a page that is cut off. */
  async next(): Promise<Page | null> {
    const reader = this.#reader;
    while (await reader.fill(PAGE_HEADER_BYTES)) {
      const bytes = reader.window;
      if (!startsWith(bytes, 'OggS')) {
        const next = bytes.indexOf(0x4f, 1);
        reader.skip(next < 0 ? bytes.length : next);
        continue;
      }
      const segmentCount = bytes[26] ?? 0;
      if (!(await reader.fill(PAGE_HEADER_BYTES + segmentCount))) throw notDecodable('A page is cut off.');
      const lacing = reader.window.slice(PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + segmentCount);
      const bodyBytes = lacing.reduce((sum, size) => sum + size, 0);
      if (!(await reader.fill(PAGE_HEADER_BYTES + segmentCount + bodyBytes))) throw notDecodable('A page is cut off.');
      const page = reader.window.slice(0, PAGE_HEADER_BYTES + segmentCount + bodyBytes);
      reader.skip(page.length);
      return this.#assemble(page, lacing);
    }
    return null;
  }

  #assemble(page: Uint8Array, lacing: Uint8Array): Page {
    const view = viewOf(page);
    const flags = view.getUint8(5);
    const serial = view.getUint32(14, true);
    const granule = view.getBigInt64(6, true);
    const packets: Uint8Array[] = [];
    const carried = this.#unfinished.get(serial) ?? null;
    this.#unfinished.delete(serial);
    // Without its beginning the rest of a packet is of no use.
    let isUsable = (flags & 1) === 0 || carried !== null;
    let pending = (flags & 1) === 0 ? null : carried;
    let start = PAGE_HEADER_BYTES + lacing.length;
    let end = start;
    for (const size of lacing) {
      end += size;
      if (size === 255) continue;
      const part = page.subarray(start, end);
      if (isUsable) packets.push(pending === null ? part : joined(pending, part));
      pending = null;
      isUsable = true;
      start = end;
    }
    if (end > start && isUsable) {
      const part = page.subarray(start, end);
      const packet = pending === null ? part : joined(pending, part);
      if (packet.length <= PACKET_BYTES_MAX) this.#unfinished.set(serial, packet);
    }
    return {
      serial,
      isFirst: (flags & 2) !== 0,
      isLast: (flags & 4) !== 0,
      granule: granule < 0n ? null : Number(granule),
      packets,
    };
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** The letters in the beginning of a stream, for the log. */
function readable(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(0, 8)).replaceAll(/[^A-Za-z]/g, '');
}
