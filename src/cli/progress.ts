/** A bar on a terminal, with speed and time left; nothing where the output goes into a file or a pipe. */
import type { Clock } from '../core/clock.ts';

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress extends Disposable {
  /** So many more are done, or such a part of one, with so many seconds of audio. */
  advance(count: number, audioSeconds: number): void;
  /** Lets others write whole lines to the terminal. */
  aside(write: () => void): void;
}

const REDRAW_MS = 100;
const BAR_CELLS = 24;
const COLUMNS_DEFAULT = 80;
const CLEAR_LINE = '\r\u001B[2K';

export function startProgress(total: number, stream: ProgressStream, clock: Clock): Progress {
  if (stream.isTTY !== true) return { advance() {}, aside: (write) => write(), [Symbol.dispose]() {} };
  const startedAt = clock.now();
  let drawnAt = -Infinity;
  let done = 0;
  let audioSeconds = 0;

  function draw(): void {
    drawnAt = clock.now();
    const line = progressLine({ done, total, audioSeconds, seconds: (drawnAt - startedAt) / 1000 });
    // A terminal that does not know its width says 0.
    const columns = stream.columns === undefined || stream.columns === 0 ? COLUMNS_DEFAULT : stream.columns;
    stream.write(CLEAR_LINE + line.slice(0, columns - 1));
  }

  draw();
  return {
    advance(count, seconds) {
      done += count;
      audioSeconds += seconds;
      if (isWhole(done, total) || clock.now() - drawnAt >= REDRAW_MS) draw();
    },
    aside(write) {
      stream.write(CLEAR_LINE);
      write();
      draw();
    },
    [Symbol.dispose]: () => stream.write(CLEAR_LINE),
  };
}

export interface ProgressState {
  readonly done: number;
  readonly total: number;
  readonly audioSeconds: number;
  /** Since the start. */
  readonly seconds: number;
}

export function progressLine({ done, total, audioSeconds, seconds }: ProgressState): string {
  const share = total === 0 || isWhole(done, total) ? 1 : done / total;
  const full = Math.round(share * BAR_CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
  // Of a single recording there is nothing to count.
  const count = total === 1 ? '' : `  ${Math.floor(done + ROUNDING)}/${total}`;
  const head = `${bar} ${Math.floor(share * 100)} %${count}`;
  if (done === 0 || seconds === 0) return head;
  const speed = audioSeconds === 0 ? '' : `  ${(audioSeconds / seconds).toFixed(1)} × real time`;
  return `${head}${speed}  ${clockTime((seconds / share) * (1 - share))} left`;
}

/** Parts of recordings add up to whole ones but for so much. */
const ROUNDING = 1e-6;

function isWhole(done: number, total: number): boolean {
  return done + ROUNDING >= total;
}

function clockTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}
