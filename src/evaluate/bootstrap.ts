/** How far an error rate would move with other recordings of the same kind: resampling with a fixed seed. */

import { seededRandom } from '../core/seeded-random.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

const SAMPLES = 1_000;
const SEED = 20_260_101;

/** The middle 95 % of the rates of as many recordings, drawn from the given ones again and again. */
export function intervalOfRate(group: readonly { readonly errors: number; readonly units: number }[]): Interval {
  const random = seededRandom(SEED);
  const rates: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    let errors = 0;
    let units = 0;
    for (let draw = 0; draw < group.length; draw += 1) {
      const drawn = group[Math.floor(random() * group.length)];
      errors += drawn?.errors ?? 0;
      units += drawn?.units ?? 0;
    }
    if (units > 0) rates.push(errors / units);
  }
  rates.sort((one, other) => one - other);
  const at = (share: number): number => rates[Math.round(share * (rates.length - 1))] ?? 0;
  return { low: at(0.025), high: at(0.975) };
}
