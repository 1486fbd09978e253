/** Where the samples of a track lie in an MP4 file: by the tables of `stbl`, or by the fragments of `moof`. */
import { viewOf } from './bytes.ts';
import { boxesOf, findBox } from './mp4-boxes.ts';

/** One sample: the MP4 word for one packet of coded audio. */
export interface SamplePlace {
  readonly position: number;
  readonly byteCount: number;
}

const EMPTY = new Uint8Array(0);

/** The samples in the order of the tables; they are read as the samples are asked for, however many they claim to be. */
export function* tabledSamples(sampleTable: Uint8Array): Generator<SamplePlace, void, undefined> {
  const sizes = sampleSizes(findBox(sampleTable, 'stsz') ?? EMPTY);
  const chunks = chunkPositions(sampleTable);
  const runs = tableOf(findBox(sampleTable, 'stsc'), 8, 12);
  let sample = 0;
  let run = 0;
  for (let chunk = 0; chunk < chunks.count && sample < sizes.count; chunk += 1) {
    // Each run counts from its first chunk, numbered from one, to the next run's.
    while (run + 1 < runs.count && runs.at(run + 1, 0) <= chunk + 1) run += 1;
    const samplesInChunk = run < runs.count ? runs.at(run, 4) : 0;
    let position = chunks.at(chunk);
    for (let index = 0; index < samplesInChunk && sample < sizes.count; index += 1) {
      const byteCount = sizes.at(sample);
      yield { position, byteCount };
      position += byteCount;
      sample += 1;
    }
  }
}

function sampleSizes(box: Uint8Array): { count: number; at(index: number): number } {
  if (box.length < 12) return { count: 0, at: () => 0 };
  const view = viewOf(box);
  const common = view.getUint32(4, false);
  const declared = view.getUint32(8, false);
  if (common > 0) return { count: declared, at: () => common };
  const count = Math.min(declared, Math.floor((box.length - 12) / 4));
  return { count, at: (index) => view.getUint32(12 + index * 4, false) };
}

function chunkPositions(sampleTable: Uint8Array): { count: number; at(index: number): number } {
  const large = findBox(sampleTable, 'co64');
  if (large !== null) {
    const table = tableOf(large, 8, 8);
    return { count: table.count, at: (index) => table.at(index, 0) * 2 ** 32 + table.at(index, 4) };
  }
  const table = tableOf(findBox(sampleTable, 'stco'), 8, 4);
  return { count: table.count, at: (index) => table.at(index, 0) };
}

/** A table of 32-bit fields behind its own length; a length that lies past the box means its end. */
function tableOf(
  box: Uint8Array | null,
  start: number,
  entryBytes: number,
): { count: number; at(index: number, offset: number): number } {
  if (box === null || box.length < start) return { count: 0, at: () => 0 };
  const view = viewOf(box);
  const count = Math.min(view.getUint32(start - 4, false), Math.floor((box.length - start) / entryBytes));
  return { count, at: (index, offset) => view.getUint32(start + index * entryBytes + offset, false) };
}

/** The samples of one track in a `moof` box that starts at `moofPosition` of the file. */
export function* fragmentSamples(
  moof: Uint8Array,
  moofPosition: number,
  trackId: number,
  defaultByteCount: number,
): Generator<SamplePlace, void, undefined> {
  for (const { type, content: fragment } of boxesOf(moof)) {
    const header = type === 'traf' ? fragmentHeader(findBox(fragment, 'tfhd')) : null;
    if (header === null || header.trackId !== trackId) continue;
    let position = header.basePosition ?? moofPosition;
    for (const { type: inner, content: run } of boxesOf(fragment)) {
      if (inner !== 'trun' || run.length < 8) continue;
      const view = viewOf(run);
      const flags = view.getUint32(0, false) & 0xff_ff_ff;
      let offset = 8;
      if ((flags & 0x1) !== 0 && run.length >= 12) {
        position = (header.basePosition ?? moofPosition) + view.getInt32(offset, false);
        offset += 4;
      }
      if ((flags & 0x4) !== 0) offset += 4;
      const entryBytes = 4 * [0x1_00, 0x2_00, 0x4_00, 0x8_00].filter((bit) => (flags & bit) !== 0).length;
      const sizeOffset = (flags & 0x1_00) === 0 ? 0 : 4;
      const declared = view.getUint32(4, false);
      const count = entryBytes === 0 ? declared : Math.min(declared, Math.floor((run.length - offset) / entryBytes));
      for (let index = 0; index < count; index += 1) {
        const byteCount =
          (flags & 0x2_00) === 0
            ? (header.defaultByteCount ?? defaultByteCount)
            : view.getUint32(offset + index * entryBytes + sizeOffset, false);
        yield { position, byteCount };
        position += byteCount;
      }
    }
  }
}

interface FragmentHeader {
  readonly trackId: number;
  /** What positions count from, where that isn't the `moof` box. */
  readonly basePosition: number | null;
  readonly defaultByteCount: number | null;
}

function fragmentHeader(box: Uint8Array | null): FragmentHeader | null {
  if (box === null || box.length < 8) return null;
  const view = viewOf(box);
  const flags = view.getUint32(0, false) & 0xff_ff_ff;
  const fieldBytes = [8, 4, 4, 4];
  const fields = [0x1, 0x2, 0x8, 0x10];
  let offset = 8;
  let basePosition: number | null = null;
  let defaultByteCount: number | null = null;
  for (const [index, bit] of fields.entries()) {
    const byteCount = fieldBytes[index] ?? 0;
    if ((flags & bit) === 0 || offset + byteCount > box.length) continue;
    if (bit === 0x1) basePosition = Number(view.getBigUint64(offset, false));
    if (bit === 0x10) defaultByteCount = view.getUint32(offset, false);
    offset += byteCount;
  }
  return { trackId: view.getUint32(4, false), basePosition, defaultByteCount };
}

/** The size that a track's samples have in fragments that don't say it (`trex`). */
export function defaultSampleBytes(moov: Uint8Array, trackId: number): number {
  for (const { type, content } of boxesOf(findBox(moov, 'mvex') ?? EMPTY)) {
    if (type !== 'trex' || content.length < 20) continue;
    const view = viewOf(content);
    if (view.getUint32(4, false) === trackId) return view.getUint32(16, false);
  }
  return 0;
}
