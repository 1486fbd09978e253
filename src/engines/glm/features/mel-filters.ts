/** One triangle over the bins of a spectrum; outside of `weights` it is zero. */
export interface MelFilter {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

/** Slaney's mel scale: linear below 1,000 Hz, logarithmic above, and each triangle of the same area. */
export function melFilters(count: number, frameSamples: number, rateHz: number): readonly MelFilter[] {
  const highest = toMel(rateHz / 2);
  const edgesHz = Array.from({ length: count + 2 }, (_, edge) => toHz((highest * edge) / (count + 1)));
  return Array.from({ length: count }, (_, index) => {
    const [low = 0, middle = 0, high = 0] = edgesHz.slice(index, index + 3);
    const weightAt = (bin: number): number => {
      const hz = (bin * rateHz) / frameSamples;
      return (Math.max(0, Math.min((hz - low) / (middle - low), (high - hz) / (high - middle))) * 2) / (high - low);
    };
    const binOf = (hz: number): number => (hz * frameSamples) / rateHz;
    const firstBin = Math.ceil(binOf(low));
    const lastBin = Math.min(frameSamples / 2, Math.floor(binOf(high)));
    const bins = Math.max(0, lastBin - firstBin + 1);
    return { firstBin, weights: Float64Array.from({ length: bins }, (_, bin) => weightAt(firstBin + bin)) };
  });
}

const LINEAR_HZ_MAX = 1_000;
const LINEAR_MEL_MAX = 15;
const LOGARITHMIC_STEP = Math.log(6.4) / 27;

function toMel(hz: number): number {
  if (hz < LINEAR_HZ_MAX) return (hz * 3) / 200;
  return LINEAR_MEL_MAX + Math.log(hz / LINEAR_HZ_MAX) / LOGARITHMIC_STEP;
}

function toHz(mel: number): number {
  if (mel < LINEAR_MEL_MAX) return (mel * 200) / 3;
  return LINEAR_HZ_MAX * Math.exp((mel - LINEAR_MEL_MAX) * LOGARITHMIC_STEP);
}
