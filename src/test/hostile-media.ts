/** Files that are built to hurt a decoder, each with what has to come of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../core/errors.ts';
import {
  bigEndian,
  box,
  bytes,
  chunk,
  element,
  flacHead,
  id3Header,
  littleEndian,
  oggPage,
  silentFlac,
} from './media-builders.ts';
import { ROOT } from './running-server.ts';

export interface HostileFile {
  readonly name: string;
  readonly parts: () => Iterable<Uint8Array>;
  /** The refusal, or the seconds of audio that are in it all the same. */
  readonly expected: ErrorCode | number;
}

const MEBIBYTE = 1 << 20;
const FORMATS = join(ROOT, 'fixtures/formats');
/** Seconds in each of the recordings in `fixtures/formats`. */
const SECONDS = 1.5;

function fixture(name: string): Buffer {
  return readFileSync(join(FORMATS, name));
}

/** So many bytes of one value, a mebibyte at a time. */
function* filled(byteCount: number, value = 0): Generator<Uint8Array, void, undefined> {
  const block = Buffer.alloc(MEBIBYTE, value);
  for (let left = byteCount; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}

function file(name: string, content: Uint8Array, expected: ErrorCode | number): HostileFile {
  return { name, parts: () => [content], expected };
}

export function hostileFiles(random: () => number): readonly HostileFile[] {
  return [
    ...noAudio(random),
    ...wavFiles(random),
    ...mpegFiles(random),
    ...mp4Files(),
    ...oggFiles(random),
    ...flacFiles(),
    ...webmFiles(random),
  ];
}

function randomBytes(byteCount: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length: byteCount }, () => Math.floor(random() * 256)));
}

/** Of 188 bytes each, with the sync byte of a transport stream. */
function transportPackets(content: Uint8Array): Buffer {
  const count = Math.ceil(content.length / 184);
  return Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      bytes([0x47, 1, 0, 0x10], content.subarray(index * 184, (index + 1) * 184), Buffer.alloc(184)).subarray(0, 188),
    ),
  );
}

function noAudio(random: () => number): HostileFile[] {
  const unsupported = {
    'one byte': 'x',
    'an HTML page': '<!doctype html><html><body>Not found</body></html>',
    'a JSON document': '{"error":"not found"}',
    'a PNG picture': '\u0089PNG\r\n\u001a\n\0\0\0\rIHDR',
    'a PDF document': '%PDF-1.7\n%\u00e2\u00e3',
    'a ZIP archive': 'PK\u0003\u0004\u0014\0\0\0',
    'an ELF program': '\u007fELF\u0002\u0001\u0001',
    'an HLS playlist': '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
    'a DASH manifest': '<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period></MPD>',
    'a PLS playlist': '[playlist]\nFile1=file:///etc/passwd\nNumberOfEntries=1\n',
    'a session description': 'v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n',
    'a list for joining': "ffconcat version 1.0\nfile '/etc/passwd'\n",
  };
  return [
    file('an empty file', bytes(), 'audio_not_decodable'),
    ...Object.entries(unsupported).map(([name, text]) => file(name, bytes(text), 'unsupported_audio_format')),
    { name: '100 MB of zeros', parts: () => filled(100_000_000), expected: 'unsupported_audio_format' },
    file('a mebibyte of random bytes', randomBytes(MEBIBYTE, random), 'unsupported_audio_format'),
    file('an MPEG transport stream', fixture('stream.mpegts'), 'unsupported_audio_format'),
    file('a transport stream around an mp3', transportPackets(fixture('16000.mp3')), 'unsupported_audio_format'),
    file('an Apple CAF file', fixture('apple.caf'), 'unsupported_audio_format'),
  ];
}

interface WavFields {
  readonly tag?: number;
  readonly channelCount?: number;
  readonly rateHz?: number;
  readonly blockBytes?: number;
  readonly bits?: number;
}

function wavFormat({ tag = 1, channelCount = 1, rateHz = 8000, blockBytes = 2, bits = 16 }: WavFields): Buffer {
  const first = [littleEndian(tag, 2), littleEndian(channelCount, 2), littleEndian(rateHz, 4)];
  return chunk(
    'fmt ',
    bytes(...first, littleEndian(rateHz * 2, 4), littleEndian(blockBytes, 2), littleEndian(bits, 2)),
  );
}

function wav(...chunks: readonly Uint8Array[]): Buffer {
  return chunk('RIFF', Buffer.concat([bytes('WAVE'), ...chunks]));
}

function wavFiles(random: () => number): HostileFile[] {
  const samples = fixture('pcm_s16le.wav').subarray(44);
  const data = chunk('data', samples);
  const refused: Record<string, WavFields> = {
    'a rate of zero': { rateHz: 0 },
    'no channels': { channelCount: 0 },
    '65,535 channels': { channelCount: 65_535 },
    'blocks of no bytes for ADPCM': { tag: 2, blockBytes: 0, bits: 4 },
  };
  const manyChunks = Buffer.concat(Array.from({ length: 100_000 }, () => chunk('junk', bytes('    '))));
  const badTables = bytes(...Array.from({ length: 100 }, () => bytes(255, randomBytes(255, random))));
  const notNumbers = Buffer.concat(
    Array.from({ length: 8000 }, (_, i) => bytes([0, 0, i % 2 === 0 ? 0xc0 : 0x80, 0x7f])),
  );
  return [
    ...Object.entries(refused).map(([name, fields]) =>
      file(`a wav with ${name}`, wav(wavFormat(fields), data), 'audio_not_decodable'),
    ),
    file('a wav with blocks of no bytes', wav(wavFormat({ blockBytes: 0 }), data), SECONDS),
    file('a wav of an open size', wav(wavFormat({}), chunk('data', samples, 0xff_ff_ff_ff)), SECONDS),
    file('a wav of no size', wav(wavFormat({}), chunk('data', samples, 0)), SECONDS),
    file('a wav that claims too much', wav(wavFormat({}), chunk('data', samples, samples.length + 9999)), SECONDS),
    file(
      'a wav with an endless LIST',
      wav(wavFormat({}), chunk('LIST', bytes('INFO'), 0xff_ff_ff_f0), data),
      'audio_not_decodable',
    ),
    file('a wav with 100,000 chunks', wav(wavFormat({}), manyChunks, data), 'audio_not_decodable'),
    file(
      'a wav with ADPCM tables out of range',
      wav(wavFormat({ tag: 2, blockBytes: 256, bits: 4 }), chunk('data', badTables)),
      (100 * 500) / 8000,
    ),
    file(
      'a wav of samples that are no numbers',
      wav(wavFormat({ tag: 3, blockBytes: 4, bits: 32 }), chunk('data', notNumbers)),
      1,
    ),
    file('a wav with 64-bit sizes', fixture('rf64.wav'), SECONDS),
    file('a wav with mp3 in it', fixture('mp3.wav'), 'audio_not_decodable'),
  ];
}

/** A frame of 128 kbit/s at 44.1 kHz whose tag claims a thousand million frames. */
function xingFrame(): Buffer {
  const tag = bytes('Xing', bigEndian(1, 4), bigEndian(1_000_000_000, 4));
  return bytes([0xff, 0xfb, 0x90, 0xc0], Buffer.alloc(17), tag, Buffer.alloc(417)).subarray(0, 417);
}

function mpegFiles(random: () => number): HostileFile[] {
  const untagged = fixture('untagged.mp3');
  const seconds = 1.54;
  return [
    {
      name: 'an mp3 behind a tag of 256 MiB',
      parts: () => [id3Header(2 ** 28 - 1), ...filled(2 ** 28 - 1), untagged],
      expected: seconds,
    },
    {
      name: 'an mp3 with a picture of 50 MB',
      parts: () => [id3Header(50_000_000), bytes('APIC'), ...filled(49_999_996, 0xff), untagged],
      expected: seconds,
    },
    {
      name: 'an mp3 tag that the file ends in',
      parts: () => [id3Header(2 ** 28 - 1), ...filled(MEBIBYTE)],
      expected: 'unsupported_audio_format',
    },
    {
      name: '10 MB without a frame, then an mp3',
      parts: () => [...filled(10_000_000, 0x55), untagged],
      expected: 'unsupported_audio_format',
    },
    {
      name: 'an mp3 with 10 MB of junk in the middle',
      parts: () => [untagged, ...filled(10_000_000, 0xff), untagged],
      expected: 2 * seconds,
    },
    file('an mp3 that claims a thousand million frames', bytes(xingFrame(), untagged), seconds),
    file(
      'an mp3 that changes its rate and its channels',
      bytes(untagged, fixture('stereo.mp3'), fixture('24000.mp2'), fixture('8000.mp3')),
      2 * seconds + 3.1,
    ),
    file(
      'an mp3 header over and over',
      Buffer.concat(Array.from({ length: 50_000 }, () => bytes([0xff, 0xfb, 0x90, 0xc0]))),
      'unsupported_audio_format',
    ),
    file(
      'mp3 headers with random bytes',
      Buffer.concat(Array.from({ length: 200 }, () => bytes([0xff, 0xfb, 0x90, 0xc0], randomBytes(413, random)))),
      (200 * 1152) / 44_100,
    ),
  ];
}

/** The bytes from `find` on replaced by others, in a copy. */
function patched(original: Buffer, find: string, offset: number, value: Uint8Array): Buffer {
  const copy = Buffer.from(original);
  copy.set(value, copy.indexOf(find, 0, 'latin1') + offset);
  return copy;
}

function nested(type: string, depth: number): Buffer {
  const heads = Array.from({ length: depth }, (_, level) => bytes(bigEndian((depth - level) * 8, 4), type));
  return Buffer.concat(heads);
}

function mp4Files(): HostileFile[] {
  const first = fixture('first.m4a');
  const fileType = box('ftyp', bytes('M4A \0\0\0\0'));
  const videoOnly = patched(patched(fixture('video.mp4'), 'soun', 0, bytes('vide')), 'mp4a', 0, bytes('mp4v'));
  return [
    file('an mp4 with a box of no size', bytes(fileType, box('moov', bytes('x'), 0)), 'audio_not_decodable'),
    file(
      'an mp4 with a box of seven bytes',
      bytes(fileType, box('moov', bytes('x'), 7), first.subarray(8)),
      'audio_not_decodable',
    ),
    file(
      'an mp4 with a box of 2^63 bytes',
      bytes(fileType, bigEndian(1, 4), 'moov', bigEndian(2n ** 63n, 8), first),
      'audio_not_decodable',
    ),
    file(
      'an mp4 with a box of 2^64 - 1 bytes',
      bytes(fileType, bigEndian(1, 4), 'free', bigEndian(2n ** 64n - 1n, 8), first),
      'audio_not_decodable',
    ),
    // The header of its only packet: not compressed, and with a number of samples of its own.
    file(
      'an ALAC packet that claims 2^32 - 1 samples',
      patched(fixture('seeds/seed.alac.m4a'), 'mdat', 6, Uint8Array.of(0x13, 0xff, 0xff, 0xff, 0xff)),
      'audio_not_decodable',
    ),
    file('an mp4 of boxes in boxes, 10,000 deep', bytes(fileType, nested('moov', 10_000)), 'no_audio_stream'),
    file(
      'an mp4 whose table of sizes claims 2^32 - 1 entries',
      patched(first, 'stsz', 12, bigEndian(2 ** 32 - 1, 4)),
      SECONDS,
    ),
    file(
      'an mp4 whose 2^32 - 1 samples are all alike',
      patched(first, 'stsz', 8, bytes(bigEndian(1, 4), bigEndian(2 ** 32 - 1, 4))),
      'audio_not_decodable',
    ),
    file('an mp4 with 2^32 - 1 samples in a chunk', patched(first, 'stsc', 16, bigEndian(2 ** 32 - 1, 4)), SECONDS),
    file('an mp4 whose times claim 2^32 - 1 entries', patched(first, 'stts', 8, bigEndian(2 ** 32 - 1, 4)), SECONDS),
    file('an mp4 whose audio lies in another file', patched(first, 'url ', 4, bigEndian(0, 4)), 'audio_not_decodable'),
    file('an mp4 of video alone', videoOnly, 'no_audio_stream'),
    file('an mp4 with an edit of years', patched(first, 'elst', 12, bigEndian(2 ** 31, 4)), SECONDS),
    file(
      'an mp4 with an edit that starts in years',
      patched(first, 'elst', 16, bigEndian(2 ** 31 - 1, 4)),
      'audio_not_decodable',
    ),
    file('an encrypted mp4', fixture('encrypted.mp4'), 'audio_not_decodable'),
    file('an mp4 with its description last', fixture('last.m4a'), SECONDS),
    file('an mp4 in fragments', fixture('fragmented.m4a'), 1.53),
  ];
}

function oggFiles(random: () => number): HostileFile[] {
  const opus = fixture('opus.ogg');
  const vorbis = fixture('vorbis.ogg');
  const seed = readFileSync(join(FORMATS, 'seeds/seed.opus.ogg'));
  const granules = Buffer.from(opus);
  for (let at = granules.indexOf('OggS', 1); at >= 0; at = granules.indexOf('OggS', at + 1)) {
    granules.writeBigUInt64LE(2n ** 63n - 1n, at + 6);
  }
  const head = bytes('OpusHead', [1, 255], littleEndian(312, 2), littleEndian(48_000, 4), [0, 0, 255], [255, 0]);
  const channels = bytes(
    head,
    Array.from({ length: 255 }, (_, index) => index),
  );
  const tags = bytes('OpusTags', littleEndian(4, 4), 'none', littleEndian(0, 4));
  const many = [channels, tags, randomBytes(60_000, random)].map((packet, sequence) =>
    oggPage({ flags: sequence === 0 ? 2 : 0, granule: 0n, serial: 1, sequence, packets: [packet] }),
  );
  const comment = oggPage({
    flags: 0,
    granule: 0n,
    serial: 1,
    sequence: 1,
    goesOn: true,
    packets: [bytes('OpusTags', littleEndian(2 ** 32 - 1, 4), Buffer.alloc(255 * 255 - 12))],
  });
  const endless = Array.from({ length: 500 }, (_, index) =>
    oggPage({
      flags: 1,
      granule: -1n,
      serial: 1,
      sequence: 2 + index,
      goesOn: true,
      packets: [Buffer.alloc(255 * 255)],
    }),
  );
  const opening = oggPage({ flags: 2, granule: 0n, serial: 1, sequence: 0, packets: [seed.subarray(28, 47)] });
  return [
    file('an ogg with positions of 2^63 - 1', granules, SECONDS),
    file('an ogg with 255 channels', bytes(...many), 'audio_not_decodable'),
    file('an ogg with a comment of 2^32 - 1 bytes', patched(opus, 'OpusTags', 8, bigEndian(2 ** 32 - 1, 4)), SECONDS),
    {
      name: 'an ogg whose comment goes on for 32 MB',
      parts: () => [opening, comment, ...endless],
      expected: 'audio_not_decodable',
    },
    {
      name: 'an ogg of 10,000 streams',
      parts: function* streams() {
        for (let index = 0; index < 10_000; index += 1) yield seed;
      },
      expected: 'unsupported_audio_format',
    },
    file('an ogg of Speex', fixture('speex.ogg'), 'audio_not_decodable'),
    file('an ogg that ends in its headers', vorbis.subarray(0, 2000), 'audio_not_decodable'),
  ];
}

function flacFiles(): HostileFile[] {
  const flac = fixture('16-bit.flac');
  const absurd = Buffer.from(flac);
  absurd.fill(0xff, 8, 26);
  const picture = [bytes('fLaC', [0x06, 0xff, 0xff, 0xff]), ...filled(2 ** 24 - 1), flac.subarray(4)];
  return [
    file('a flac whose description is absurd', absurd, SECONDS),
    file(
      'a flac that claims years',
      bytes(flacHead(2 ** 36 - 1), flac.subarray(flac.indexOf(bytes([0xff, 0xf8])))),
      SECONDS,
    ),
    { name: 'a flac with a picture of 16 MiB', parts: () => picture, expected: SECONDS },
    file('a mebibyte of silent flac', silentFlac(MEBIBYTE), 'audio_too_long'),
  ];
}

const SEGMENT = 0x18_53_80_67;
const CLUSTER = 0x1f_43_b6_75;

function webmFiles(random: () => number): HostileFile[] {
  const webm = fixture('opus.webm');
  const head = element(0x1a_45_df_a3, element(0x42_82, bytes('webm')));
  const tracks = webm.subarray(
    webm.lastIndexOf(bytes([0x16, 0x54, 0xae, 0x6b])),
    webm.lastIndexOf(bytes([0x1f, 0x43, 0xb6, 0x75])),
  );
  const block = (flags: number, content: Uint8Array): Buffer => element(0xa3, bytes([0x81, 0, 0, flags], content));
  const laced = [0x02, 0x06].flatMap((flags) => [
    block(flags, bytes(255)),
    block(flags, bytes(255, Buffer.alloc(1000, 255))),
    block(flags, bytes(255, randomBytes(1000, random))),
  ]);
  const deep = Buffer.concat(Array.from({ length: 10_000 }, () => element(0xa0, bytes(), Infinity)));
  return [
    file('a live webm', fixture('live.webm'), SECONDS),
    file(
      'a webm of groups in groups, 10,000 deep',
      bytes(head, element(SEGMENT, bytes(), Infinity), deep),
      'no_audio_stream',
    ),
    file(
      'a webm of segments in segments',
      bytes(head, Buffer.concat(Array.from({ length: 10_000 }, () => element(SEGMENT, bytes(), Infinity))), webm),
      SECONDS,
    ),
    file(
      'a webm with lacing that lies',
      bytes(head, element(SEGMENT, bytes(tracks, element(CLUSTER, bytes(...laced), Infinity)), Infinity)),
      'audio_not_decodable',
    ),
    file(
      'a webm element of 2^56 - 2 bytes',
      bytes(head, element(SEGMENT, bytes(), Infinity), element(0x16_54_ae_6b, bytes(), 2 ** 52)),
      'audio_not_decodable',
    ),
  ];
}
