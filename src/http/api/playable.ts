import { setImmediate as otherWork } from 'node:timers/promises';
import { SAMPLE_RATE_HZ, type Pcm } from '../../core/pcm.ts';
import { toPcm16, wavHeader } from '../../engines/wav.ts';

const SAMPLES_MAX = 300 * SAMPLE_RATE_HZ;
const READ_SAMPLES = 2 ** 18;
/** Three bytes are four letters, so that the parts of the text can be put together. */
const TEXT_BYTES = 3 * 2 ** 18;

/** A recording as a WAV file in base64; null for more than five minutes. Other calls get their turn all the while. */
export async function playable(recording: Pcm): Promise<string | null> {
  const { sampleCount } = recording;
  if (sampleCount > SAMPLES_MAX) return null;
  const parts = [wavHeader(2 * sampleCount, SAMPLE_RATE_HZ)];
  for (let start = 0; start < sampleCount; start += READ_SAMPLES) {
    parts.push(toPcm16(await recording.read(start, Math.min(start + READ_SAMPLES, sampleCount))));
  }
  const file = Buffer.concat(parts);
  let text = '';
  for (let start = 0; start < file.length; start += TEXT_BYTES) {
    text += file.toString('base64', start, start + TEXT_BYTES);
    await otherWork();
  }
  return text;
}
