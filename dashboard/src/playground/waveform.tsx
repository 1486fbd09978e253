/** The recording as a line of bars, with the pieces of speech below them and the place where it plays. */
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { showMoment } from '../format.ts';
import { t } from '../words/words.ts';

interface Properties {
  readonly peaks: readonly number[] | null;
  readonly pieces: readonly { readonly start: number; readonly end: number }[];
  readonly duration: number;
  readonly at: number;
  readonly onSeek: ((seconds: number) => void) | null;
}

const HEIGHT = 112;
const BAR = 3;
const GAP = 1;
const STEP_SECONDS = 5;

function named(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(canvas: HTMLCanvasElement, { peaks, pieces, duration, at }: Properties): void {
  const ratio = window.devicePixelRatio;
  const width = canvas.clientWidth;
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  const context = canvas.getContext('2d');
  if (context === null || duration <= 0) return;
  context.scale(ratio, ratio);
  const x = (seconds: number): number => (seconds / duration) * width;
  const middle = (HEIGHT - 14) / 2;
  context.fillStyle = named('--accent-soft');
  for (const { start, end } of pieces) context.fillRect(x(start), 0, Math.max(1, x(end) - x(start)), HEIGHT - 14);
  // A quiet recording fills the height as well: what matters is where it is louder.
  const scale = 1 / Math.max(0.02, ...(peaks ?? []));
  const count = Math.floor(width / (BAR + GAP));
  const isSpeech = (seconds: number): boolean => pieces.some(({ start, end }) => seconds >= start && seconds <= end);
  for (let bar = 0; bar < count; bar += 1) {
    const seconds = ((bar + 0.5) / count) * duration;
    const level = peaks === null ? 0.04 : loudest(peaks, bar / count, (bar + 1) / count) * scale;
    const height = Math.max(2, level * (HEIGHT - 26));
    context.fillStyle = seconds <= at ? named('--accent') : isSpeech(seconds) ? named('--ink') : named('--muted');
    context.globalAlpha = seconds <= at ? 1 : isSpeech(seconds) ? 0.6 : 0.35;
    context.fillRect(bar * (BAR + GAP), middle - height / 2, BAR, height);
  }
  context.globalAlpha = 1;
  context.fillStyle = named('--accent');
  for (const { start, end } of pieces) {
    context.beginPath();
    context.roundRect(x(start) + 0.5, HEIGHT - 9, Math.max(2, x(end) - x(start) - 1), 5, 2.5);
    context.fill();
  }
  if (at > 0) context.fillRect(x(at) - 0.75, 0, 1.5, HEIGHT - 12);
}

function loudest(peaks: readonly number[], from: number, to: number): number {
  const first = Math.floor(from * peaks.length);
  const last = Math.max(first + 1, Math.ceil(to * peaks.length));
  return Math.min(1, Math.max(0, ...peaks.slice(first, last)));
}

export function Waveform(properties: Properties): ReactNode {
  const { duration, at, onSeek, pieces } = properties;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState(0);
  useEffect(() => {
    const { current } = canvas;
    if (current === null) return undefined;
    const resized = new ResizeObserver(() => setSize(current.clientWidth));
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const again = (): void => setSize((before) => before + 0.001);
    resized.observe(current);
    scheme.addEventListener('change', again);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', again);
    };
  }, []);
  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current, properties);
    // The size tells that there is another place to draw in.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [size, properties.peaks, pieces, duration, at]);

  function seek(event: PointerEvent<HTMLCanvasElement>): void {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onSeek?.(Math.max(0, Math.min(duration, ((event.clientX - left) / width) * duration)));
  }
  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowLeft: -STEP_SECONDS, ArrowRight: STEP_SECONDS }[event.key];
    if (step === undefined || onSeek === null) return;
    event.preventDefault();
    onSeek(Math.max(0, Math.min(duration, at + step)));
  }
  const role =
    onSeek === null
      ? {
          role: 'img',
          'aria-label': t('Pieces of speech in {time}: {count}', { count: pieces.length, time: showMoment(duration) }),
        }
      : {
          role: 'slider',
          tabIndex: 0,
          'aria-label': t('Place in the recording'),
          'aria-valuemin': 0,
          'aria-valuemax': Math.round(duration),
          'aria-valuenow': Math.round(at),
          'aria-valuetext': showMoment(at),
        };
  return (
    <canvas
      ref={canvas}
      {...role}
      onPointerDown={seek}
      onKeyDown={onKeyDown}
      style={{ height: HEIGHT }}
      className={`block w-full rounded ${onSeek === null ? '' : 'cursor-pointer'}`}
    />
  );
}
