import { ascii } from './bytes.ts';
import { boxesOf, findBox } from './mp4-boxes.ts';

/** The tag `iTunSMPB` of a `moov` box: samples that the encoder put in front, and samples of the real audio. */
export function gaplessTagOf(moov: Uint8Array): { delay: number; sampleCount: number } | null {
  const meta = findBox(moov, 'udta', 'meta');
  const list = meta === null ? null : findBox(meta.subarray(4), 'ilst');
  if (list === null) return null;
  for (const { type, content } of boxesOf(list)) {
    const name = type === '----' ? findBox(content, 'name') : null;
    const data = name === null ? null : findBox(content, 'data');
    if (name === null || data === null || ascii(name, 4, name.length) !== 'iTunSMPB') continue;
    const fields = ascii(data, 8, Math.min(data.length, 256)).trim().split(/\s+/);
    const [delay = NaN, , sampleCount = NaN] = fields.slice(1).map((field) => Number.parseInt(field, 16));
    if (delay >= 0 && sampleCount > 0) return { delay, sampleCount };
  }
  return null;
}
