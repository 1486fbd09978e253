/** The two ADPCM encodings of WAV files: four bits a sample, in blocks that each start afresh. */

/** Decodes one block into one array for each channel; null where the block is too short for its header. */
export type AdpcmBlockDecoder = (block: Uint8Array, channelCount: number) => Float32Array[] | null;

const STEPS = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
  130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060,
  1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484,
  7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
const STEP_MOVES = [-1, -1, -1, -1, 2, 4, 6, 8];

/** IMA (DVI) ADPCM: a header of four bytes for each channel, then groups of eight samples for each channel in turn. */
export const decodeImaBlock: AdpcmBlockDecoder = (block, channelCount) => {
  const groupCount = Math.floor((block.length - 4 * channelCount) / (4 * channelCount));
  if (groupCount < 0) return null;
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  return Array.from({ length: channelCount }, (_, channel) => {
    const samples = new Float32Array(1 + groupCount * 8);
    let predictor = view.getInt16(channel * 4, true);
    let stepIndex = clamp(view.getUint8(channel * 4 + 2), 0, STEPS.length - 1);
    let written = 0;
    samples[written++] = predictor / 0x80_00;
    for (let group = 0; group < groupCount; group += 1) {
      const word = view.getUint32(4 * (channelCount + group * channelCount + channel), true);
      for (let shift = 0; shift < 32; shift += 4) {
        const nibble = (word >>> shift) & 0x0f;
        const step = STEPS[stepIndex] ?? 0;
        let change = step >> 3;
        if ((nibble & 4) !== 0) change += step;
        if ((nibble & 2) !== 0) change += step >> 1;
        if ((nibble & 1) !== 0) change += step >> 2;
        predictor = toInt16((nibble & 8) === 0 ? predictor + change : predictor - change);
        stepIndex = clamp(stepIndex + (STEP_MOVES[nibble & 7] ?? 0), 0, STEPS.length - 1);
        samples[written++] = predictor / 0x80_00;
      }
    }
    return samples;
  });
};

const ADAPTATION = [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];
const COEFFICIENTS = [
  [256, 0],
  [512, -256],
  [0, 0],
  [192, 64],
  [240, 0],
  [460, -208],
  [392, -232],
] as const;

/** Microsoft ADPCM: seven header bytes for each channel, then nibbles of the channels in turn. */
export const decodeMicrosoftBlock: AdpcmBlockDecoder = (block, channelCount) => {
  const headerBytes = 7 * channelCount;
  if (block.length < headerBytes) return null;
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const nibblesEach = Math.floor(((block.length - headerBytes) * 2) / channelCount);
  return Array.from({ length: channelCount }, (_, channel) => {
    const [first, second] = COEFFICIENTS[view.getUint8(channel)] ?? COEFFICIENTS[0];
    let delta = view.getInt16(channelCount + 2 * channel, true);
    let last = view.getInt16(3 * channelCount + 2 * channel, true);
    let beforeLast = view.getInt16(5 * channelCount + 2 * channel, true);
    const samples = new Float32Array(2 + nibblesEach);
    samples[0] = beforeLast / 0x80_00;
    samples[1] = last / 0x80_00;
    for (let index = 0; index < nibblesEach; index += 1) {
      const position = index * channelCount + channel;
      const byte = view.getUint8(headerBytes + (position >> 1));
      const nibble = (position & 1) === 0 ? byte >> 4 : byte & 0x0f;
      const signed = nibble > 7 ? nibble - 16 : nibble;
      const next = toInt16(((last * first + beforeLast * second) >> 8) + signed * delta);
      beforeLast = last;
      last = next;
      delta = Math.max(16, ((ADAPTATION[nibble] ?? 0) * delta) >> 8);
      samples[2 + index] = next / 0x80_00;
    }
    return samples;
  });
};

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function toInt16(value: number): number {
  return clamp(value, -0x80_00, 0x7f_ff);
}
