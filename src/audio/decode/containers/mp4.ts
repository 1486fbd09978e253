/** MP4, M4A and QuickTime files: description first or last, or in fragments; the first audio track that can be decoded. */
import { Trim, type AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { openCodec } from '../codecs/open-codec.ts';
import { decodedLeadIn } from '../codecs/opus.ts';
import type { PacketDecoder } from '../codecs/packet-decoder.ts';
import { notDecodable } from '../job.ts';
import { nextBox } from './mp4-boxes.ts';
import { defaultSampleBytes, fragmentSamples, tabledSamples, type SamplePlace } from './mp4-samples.ts';
import { findAudioTrack, type Mp4Track } from './mp4-track.ts';

/** Bytes of the packets that are decoded in one call. */
const BATCH_BYTES = 1 << 14;
const BATCH_PACKETS = 64;
/** No packet of coded audio is larger in honest files. */
const SAMPLE_BYTES_MAX = 1 << 20;

/** Gives the audio of an MP4 file block by block. */
export async function* readMp4(reader: ByteReader): AsyncGenerator<AudioBlock, void, undefined> {
  let track: Mp4Track | null = null;
  let decoder: PacketDecoder | null = null;
  let fragmentBytes = 0;
  let trim = new Trim(0);
  try {
    for (let start = reader.position, box = await nextBox(reader); box !== null; box = await nextBox(reader)) {
      const end = reader.position + box.byteCount;
      let places: Iterable<SamplePlace> = [];
      if (box.type === 'moov' && track === null) {
        const moov = await contentOf(reader, box.byteCount);
        track = findAudioTrack(moov);
        decoder = await openCodec(track.stream);
        // AAC and ALAC decoders cut by themselves, since they know their own delay.
        trim = new Trim(track.stream.codec === 'opus' ? decodedLeadIn(track.stream.head) : 0);
        fragmentBytes = defaultSampleBytes(moov, track.id);
        places = tabledSamples(track.sampleTable);
      } else if (box.type === 'moof' && track !== null) {
        places = fragmentSamples(await contentOf(reader, box.byteCount), start, track.id, fragmentBytes);
      }
      if (decoder !== null) {
        for await (const packets of batches(reader, places)) {
          const block = trim.apply(await decoder.decode(packets));
          if (block !== null) yield block;
        }
      }
      reader.seek(end);
      start = end;
    }
  } finally {
    decoder?.[Symbol.dispose]();
  }
  if (track === null) throw notDecodable('There is no moov box, or it is cut off.');
}

async function contentOf(reader: ByteReader, byteCount: number): Promise<Uint8Array> {
  const content = await reader.take(byteCount);
  if (content === null) throw notDecodable('A box with descriptions is cut off.');
  return content;
}

/** Reads the packets at their places, some at a time; throws where one lies outside of the file or is impossibly large. */
async function* batches(
  reader: ByteReader,
  places: Iterable<SamplePlace>,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let isBroken = false;
  for (const { position, byteCount } of places) {
    isBroken = byteCount === 0 || byteCount > SAMPLE_BYTES_MAX;
    if (isBroken) break;
    reader.seek(position);
    const packet = await reader.take(byteCount);
    isBroken = packet === null;
    if (packet === null) break;
    batch.push(packet);
    batchBytes += byteCount;
    if (batchBytes < BATCH_BYTES && batch.length < BATCH_PACKETS) continue;
    yield batch;
    batch = [];
    batchBytes = 0;
  }
  yield batch;
  if (isBroken) throw notDecodable('A sample lies outside of the file or has an impossible size.');
}
