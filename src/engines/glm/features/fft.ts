/**
 * The Fourier transform of real frames of any length whose factors are small, such as 400. Libraries in plain JavaScript
 * know powers of two only; a longer frame filled with zeros gives other numbers than those that the model was trained on.
 */

/** Adds the power spectra of two frames at once: bins 0 to size / 2 of each. */
export interface PowerSpectra {
  (first: Float64Array, second: Float64Array, firstPower: Float64Array, secondPower: Float64Array): void;
}

/** @param size samples of a frame; even. */
export function createPowerSpectra(size: number): PowerSpectra {
  const transform = createTransform(size);
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  return (first, second, firstPower, secondPower) => {
    // Two real frames are one complex one, and their spectra are its even and its odd part.
    real.set(first);
    imaginary.set(second);
    const { re, im } = transform(real, imaginary);
    for (let bin = 0; bin <= size / 2; bin += 1) {
      const mirror = (size - bin) % size;
      const sumRe = (re[bin] ?? 0) + (re[mirror] ?? 0);
      const sumIm = (im[bin] ?? 0) + (im[mirror] ?? 0);
      const differenceRe = (re[bin] ?? 0) - (re[mirror] ?? 0);
      const differenceIm = (im[bin] ?? 0) - (im[mirror] ?? 0);
      firstPower[bin] = (sumRe * sumRe + differenceIm * differenceIm) / 4;
      secondPower[bin] = (sumIm * sumIm + differenceRe * differenceRe) / 4;
    }
  };
}

interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The complex transform by Stockham's scheme: a pass for each factor, from one pair of arrays to another and back. */
function createTransform(size: number): (real: Float64Array, imaginary: Float64Array) => Complex {
  const roots = unitRoots(size);
  const passes: Pass[] = [];
  let length = size;
  for (const factor of factorsOf(size)) {
    passes.push({ factor, length, stride: size / length, roots: unitRoots(factor) });
    length /= factor;
  }
  const other: Complex = { re: new Float64Array(size), im: new Float64Array(size) };
  return (real, imaginary) => {
    let from: Complex = { re: real, im: imaginary };
    let to = other;
    for (const pass of passes) {
      runPass(from, to, pass, roots);
      [from, to] = [to, from];
    }
    return from;
  };
}

interface Pass {
  readonly factor: number;
  /** Of the transforms that are left to do. */
  readonly length: number;
  readonly stride: number;
  readonly roots: Complex;
}

/** One pass: transforms of `factor` values each, turned into the place that the next pass expects. */
function runPass(from: Complex, to: Complex, { factor, length, stride, roots }: Pass, twists: Complex): void {
  const { re: fromRe, im: fromIm } = from;
  const part = length / factor;
  for (let block = 0; block < part; block += 1) {
    for (let output = 0; output < factor; output += 1) {
      const twist = block * output * stride;
      const twistRe = twists.re[twist] as number;
      const twistIm = twists.im[twist] as number;
      for (let offset = 0; offset < stride; offset += 1) {
        let at = offset + stride * block;
        let sumRe = fromRe[at] as number;
        let sumIm = fromIm[at] as number;
        let root = 0;
        for (let input = 1; input < factor; input += 1) {
          at += stride * part;
          root += output;
          if (root >= factor) root -= factor;
          const re = fromRe[at] as number;
          const im = fromIm[at] as number;
          const rootRe = roots.re[root] as number;
          const rootIm = roots.im[root] as number;
          sumRe += re * rootRe - im * rootIm;
          sumIm += re * rootIm + im * rootRe;
        }
        const target = offset + stride * (factor * block + output);
        to.re[target] = sumRe * twistRe - sumIm * twistIm;
        to.im[target] = sumRe * twistIm + sumIm * twistRe;
      }
    }
  }
}

function unitRoots(size: number): Complex {
  const angle = (index: number): number => (-2 * Math.PI * index) / size;
  return {
    re: Float64Array.from({ length: size }, (_, index) => Math.cos(angle(index))),
    im: Float64Array.from({ length: size }, (_, index) => Math.sin(angle(index))),
  };
}

function factorsOf(size: number): number[] {
  const factors: number[] = [];
  let rest = size;
  for (let factor = 2; rest > 1; factor += 1) {
    while (rest % factor === 0) {
      factors.push(factor);
      rest /= factor;
    }
  }
  return factors;
}
