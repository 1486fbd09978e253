/** Plots as inline SVG: no script, no font, no colour of their own; the page's classes colour them for light and dark. */
import { escapeHtml } from './escape-html.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Shown while the mouse rests on it. */
  readonly title: string;
}

export interface Axis {
  readonly label: string;
  readonly format: (value: number) => string;
}

const WIDTH = 640;
const HEIGHT = 300;
const LEFT = 58;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 46;
/** More would make the page slow, and show nothing that these don't. */
const POINTS_MAX = 3_000;
const TICKS_WANTED = 5;

export interface Bar {
  readonly label: string;
  readonly count: number;
}

export function barChart(bars: readonly Bar[], name: string, xLabel: string, yLabel: string): string {
  const top = niceTop(Math.max(1, ...bars.map(({ count }) => count)));
  const width = (WIDTH - LEFT - RIGHT) / Math.max(bars.length, 1);
  const margin = width * 0.06;
  const drawn = bars.map(({ label, count }, index) => {
    const x = LEFT + index * width;
    const height = (count / top) * (HEIGHT - TOP - BOTTOM);
    const y = HEIGHT - BOTTOM - height;
    const shape = `<rect class="bar" x="${fixed(x + margin)}" y="${fixed(y)}" width="${fixed(width - 2 * margin)}" height="${fixed(height)}" rx="2"><title>${escapeHtml(`${label}: ${count}`)}</title></rect>`;
    return shape + textAt(x + width / 2, HEIGHT - BOTTOM + 16, label);
  });
  return svg(name, [
    ...horizontals(top, { label: yLabel, format: (value) => String(Math.round(value)) }),
    ...drawn,
    textAt(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 8, xLabel, 'axis'),
  ]);
}

export function scatterChart(points: readonly Point[], name: string, xAxis: Axis, yAxis: Axis): string {
  const step = Math.max(1, Math.ceil(points.length / POINTS_MAX));
  const shown = points.filter((_, index) => index % step === 0);
  const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0) || 1;
  const right = niceTop(largest(shown.map(({ x }) => x)));
  const top = niceTop(largest(shown.map(({ y }) => y)));
  const xOf = (value: number): number => LEFT + (value / right) * (WIDTH - LEFT - RIGHT);
  const yOf = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  return svg(name, [
    ...horizontals(top, yAxis),
    ...ticks(right).map((value) => textAt(xOf(value), HEIGHT - BOTTOM + 16, xAxis.format(value))),
    ...shown.map(
      ({ x, y, title }) =>
        `<circle class="dot" cx="${fixed(xOf(x))}" cy="${fixed(yOf(y))}" r="3.5"><title>${escapeHtml(title)}</title></circle>`,
    ),
    textAt(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 8, xAxis.label, 'axis'),
  ]);
}

function horizontals(top: number, axis: Axis): string[] {
  const lines = ticks(top).map((value) => {
    const y = HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
    const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y)}" y2="${fixed(y)}"/>`;
    return `${line}<text class="tick" x="${LEFT - 8}" y="${fixed(y + 4)}" text-anchor="end">${escapeHtml(axis.format(value))}</text>`;
  });
  const middle = TOP + (HEIGHT - TOP - BOTTOM) / 2;
  const label = `<text class="axis" transform="translate(14 ${fixed(middle)}) rotate(-90)" text-anchor="middle">${escapeHtml(axis.label)}</text>`;
  return [...lines, label];
}

function svg(name: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(name)}">${parts.join('')}</svg>`;
}

function textAt(x: number, y: number, text: string, kind = 'tick'): string {
  return `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}" text-anchor="middle">${escapeHtml(text)}</text>`;
}

/** The distance between two lines of a scale: 1, 2 or 5 of some power of ten. */
function stepOf(top: number): number {
  const rough = top / TICKS_WANTED;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
  return factor * power;
}

function niceTop(largest: number): number {
  const step = stepOf(largest);
  return Math.ceil(largest / step - 1e-9) * step;
}

function ticks(top: number): number[] {
  const step = stepOf(top);
  return Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
