import type { AudioBlock } from '../audio-block.ts';
import type { ByteReader } from '../byte-reader.ts';
import { decodePcm, isPcmLayout, type PcmLayout } from '../codecs/pcm.ts';
import { notDecodable } from '../job.ts';

/** Chunks before the audio above which a file is refused: honest ones have a handful. */
export const CHUNKS_MAX = 10_000;

const BLOCK_BYTES = 1 << 16;

/** Reads uncompressed samples from where the reader stands: `byteCount` bytes, or up to the end of the file. */
export async function* readPcmFrames(
  reader: ByteReader,
  layout: PcmLayout,
  sampleRateHz: number,
  byteCount: number,
): AsyncGenerator<AudioBlock, void, undefined> {
  if (!isPcmLayout(layout)) {
    const { sampleBytes, channelCount, encoding } = layout;
    throw notDecodable(`${channelCount} channels of ${sampleBytes} bytes (${encoding}) are impossible.`);
  }
  const frameBytes = layout.sampleBytes * layout.channelCount;
  const blockBytes = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes)) * frameBytes;
  const end = reader.position + byteCount;
  while (reader.position < end) {
    const wanted = Math.min(blockBytes, end - reader.position);
    await reader.fill(wanted);
    const bytes = reader.window.subarray(0, wanted);
    if (bytes.length < frameBytes) return;
    const channels = decodePcm(bytes, layout);
    reader.skip(bytes.length);
    yield { channels, sampleRateHz };
  }
}
