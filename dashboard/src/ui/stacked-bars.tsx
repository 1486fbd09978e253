/** Amounts a day as stacked bars; loaded by itself, and drawn again when the colours of the system change. */
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { fromNano, showUsd, toNano } from '../format.ts';
import { locale, t } from '../words/words.ts';

export interface Bar {
  /** `2026-07-24`. */
  readonly day: string;
  readonly group: string;
  readonly label: string;
  readonly usd: string;
}

const DAY_SECONDS = 86_400;
const GROUPS_MAX = 6;
const HEIGHT = 220;

interface Stack {
  readonly days: readonly number[];
  readonly groups: readonly { readonly group: string; readonly label: string; readonly nano: readonly bigint[] }[];
}

/** The groups that cost most, and the rest as one. */
function stackOf(bars: readonly Bar[], from: string, to: string, rest: string): Stack {
  const first = Date.parse(`${from}T00:00:00Z`) / 1_000;
  const count = Math.max(1, Math.round((Date.parse(`${to}T00:00:00Z`) / 1_000 - first) / DAY_SECONDS) + 1);
  const days = Array.from({ length: count }, (_, index) => first + index * DAY_SECONDS);
  const sums = new Map<string, { label: string; sum: bigint; nano: bigint[] }>();
  for (const { day, group, label, usd } of bars) {
    const index = Math.round((Date.parse(`${day}T00:00:00Z`) / 1_000 - first) / DAY_SECONDS);
    if (index < 0 || index >= count) continue;
    const entry = sums.get(group) ?? { label, sum: 0n, nano: Array.from({ length: count }, () => 0n) };
    entry.nano[index] = (entry.nano[index] ?? 0n) + toNano(usd);
    entry.sum += toNano(usd);
    sums.set(group, entry);
  }
  const sorted = [...sums]
    .filter(([, { sum }]) => sum > 0n)
    .sort(([, one], [, other]) => (one.sum < other.sum ? 1 : -1));
  const groups = sorted.slice(0, GROUPS_MAX).map(([group, { label, nano }]) => ({ group, label, nano }));
  const others = sorted.slice(GROUPS_MAX);
  if (others.length > 0)
    groups.push({
      group: '',
      label: rest,
      nano: days.map((_, index) => others.reduce((sum, [, { nano }]) => sum + (nano[index] ?? 0n), 0n)),
    });
  return { days, groups };
}

function colour(index: number): string {
  return getComputedStyle(document.documentElement)
    .getPropertyValue(`--chart-${(index % 7) + 1}`)
    .trim();
}

function named(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** uPlot draws a bar from zero: the whole stack first, and what lies below over it. */
function optionsFor(
  stack: Stack,
  width: number,
  onHover: (index: number | null) => void,
  onPick?: (index: number) => void,
): uPlot.Options {
  const bars = uPlot.paths.bars?.({ size: [0.72, 42], radius: 0.15 });
  const grid = { stroke: named('--line'), width: 1 };
  const axis = { stroke: named('--muted'), font: '11px system-ui', grid, ticks: { show: false } };
  const dayName = new Intl.DateTimeFormat(locale(), { month: 'short', day: 'numeric', timeZone: 'UTC' });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [10, 6, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: (_, min, max) => [min - DAY_SECONDS * 0.6, max + DAY_SECONDS * 0.6] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 0.01] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        space: 64,
        incrs: [1, 2, 3, 5, 7, 14, 30, 60].map((days) => days * DAY_SECONDS),
        values: (_, splits) => splits.map((split) => dayName.format(new Date(split * 1_000))),
      },
      {
        ...axis,
        size: 68,
        values: (_, splits) => splits.map((split) => `$${fromNano(BigInt(Math.round(split * 1e9)))}`),
      },
    ],
    series: [
      {},
      ...stack.groups.map((_, index) => {
        const fill = colour(stack.groups.length - 1 - index);
        return {
          fill,
          stroke: fill,
          width: 0,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        };
      }),
    ],
    tzDate: (seconds) => {
      // Days are those of UTC: the chart is told that UTC is the viewer's zone.
      const date = new Date(seconds * 1_000);
      return new Date(date.getTime() + date.getTimezoneOffset() * 60_000);
    },
    hooks: {
      setCursor: [(plot) => onHover(plot.cursor.idx ?? null)],
      ready: [
        (plot) => {
          if (onPick === undefined) return;
          plot.over.style.cursor = 'pointer';
          plot.over.addEventListener('click', ({ clientX }) =>
            onPick(plot.posToIdx(clientX - plot.over.getBoundingClientRect().left)),
          );
        },
      ],
    },
  };
}

/** From the top of the stack down, each with all that lies below it. */
function dataOf(stack: Stack): uPlot.AlignedData {
  const below: number[][] = [];
  let sums = stack.days.map(() => 0n);
  for (const { nano } of stack.groups) {
    sums = sums.map((sum, index) => sum + (nano[index] ?? 0n));
    below.push(sums.map((sum) => Number(sum) / 1e9));
  }
  return [[...stack.days], ...below.reverse()] as uPlot.AlignedData;
}

interface Properties {
  readonly bars: readonly Bar[];
  /** Days, both included. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly rest: string;
  readonly onPick?: (day: string) => void;
}

export default function StackedBars({ bars, from, to, label, rest, onPick }: Properties): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<uPlot | null>(null);
  // Filters may change while the bars stay as they are: a press goes by those of its own time.
  const picked = useRef(onPick);
  useEffect(() => {
    picked.current = onPick;
  });
  const [hovered, setHovered] = useState<number | null>(null);
  const stack = stackOf(bars, from, to, rest);
  const drawn = JSON.stringify([bars, from, to]);
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const pick = (index: number): void => picked.current?.(dayAt(stack, index));
    function draw(): void {
      drawing.current?.destroy();
      if (current === null) return;
      const options = optionsFor(stack, current.clientWidth, setHovered, onPick === undefined ? undefined : pick);
      drawing.current = new uPlot(options, dataOf(stack), current);
    }
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const resized = new ResizeObserver(() => drawing.current?.setSize({ width: current.clientWidth, height: HEIGHT }));
    resized.observe(current);
    scheme.addEventListener('change', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      resized.disconnect();
      drawing.current?.destroy();
      drawing.current = null;
    };
    // The text says whether what is drawn has changed.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [drawn]);
  const point = (index: number | null): void => {
    const left = index === null ? -10 : (drawing.current?.valToPos(stack.days[index] ?? 0, 'x') ?? -10);
    drawing.current?.setCursor({ left, top: index === null ? -10 : 0 });
    setHovered(index);
  };
  return (
    <div className="relative px-3 pb-3">
      <div ref={place} role="img" aria-label={label} style={{ height: HEIGHT }} className="w-full overflow-hidden" />
      {onPick !== undefined && <Days stack={stack} onPoint={point} onPick={onPick} />}
      <Legend stack={stack} hovered={hovered} />
    </div>
  );
}

interface DaysProperties {
  readonly stack: Stack;
  readonly onPoint: (index: number | null) => void;
  readonly onPick: (day: string) => void;
}

/** The bars for the keyboard: one stop for Tab, from day to day by the arrow keys; to be seen while it has the focus. */
function Days({ stack, onPoint, onPick }: DaysProperties): ReactNode {
  const list = useRef<HTMLUListElement>(null);
  const [chosen, setChosen] = useState(Infinity);
  const sumAt = (index: number): bigint => stack.groups.reduce((sum, { nano }) => sum + (nano[index] ?? 0n), 0n);
  const shown = stack.days.flatMap((_, index) => (sumAt(index) > 0n ? [index] : []));
  const at = Math.min(chosen, shown.length - 1);
  function onKeyDown(event: KeyboardEvent): void {
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: shown.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const bounded = Math.max(0, Math.min(next, shown.length - 1));
    setChosen(bounded);
    list.current?.querySelectorAll('button')[bounded]?.focus();
  }
  return (
    <ul ref={list} aria-label={t('Requests of a day')} onKeyDown={onKeyDown}>
      {shown.map((index, place) => (
        <li key={index}>
          <button
            type="button"
            tabIndex={place === at ? 0 : -1}
            onFocus={() => onPoint(index)}
            onBlur={() => onPoint(null)}
            onClick={() => onPick(dayAt(stack, index))}
            className="sr-only rounded-md bg-accent-soft text-xs text-accent focus:not-sr-only focus:absolute focus:px-2 focus:py-1 focus:top-1 focus:right-4 focus:z-10"
          >
            {t('Requests of {day}: {sum}', { day: dayAt(stack, index), sum: showUsd(fromNano(sumAt(index))).text })}
          </button>
        </li>
      ))}
    </ul>
  );
}

function dayAt(stack: Stack, index: number): string {
  return new Date((stack.days[index] ?? 0) * 1_000).toISOString().slice(0, 10);
}

/** What the colours mean; over a day, what that day came to. */
function Legend({ stack, hovered }: { stack: Stack; hovered: number | null }): ReactNode {
  const sum = (nano: readonly bigint[]): bigint =>
    hovered === null ? nano.reduce((one, other) => one + other, 0n) : (nano[hovered] ?? 0n);
  return (
    <div className="mt-2 flex min-h-10 flex-wrap items-start gap-x-4 gap-y-1 pl-2 text-xs">
      <span className="w-24 font-medium">{hovered === null ? t('Total') : dayAt(stack, hovered)}</span>
      {stack.groups.map(({ group, label, nano }, index) => (
        <span key={group} className="flex min-w-0 items-center gap-1.5">
          <span className="size-2.5 shrink-0 rounded-sm" style={{ background: `var(--chart-${(index % 7) + 1})` }} />
          <span className="max-w-40 truncate text-muted">{label === '' ? '—' : label}</span>
          <span title={`$${fromNano(sum(nano))}`}>{showUsd(fromNano(sum(nano))).text}</span>
        </span>
      ))}
    </div>
  );
}
