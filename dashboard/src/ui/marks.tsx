import type { ReactNode } from 'react';
import { showUsd, toNano } from '../format.ts';
import { t, type Sentence } from '../words/words.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'accent';

const TONES: Record<Tone, string> = {
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  plain: 'bg-raised text-muted',
  accent: 'bg-accent-soft text-accent',
};

export function Mark({
  tone = 'plain',
  children,
  title,
}: {
  tone?: Tone;
  children: ReactNode;
  title?: string;
}): ReactNode {
  return (
    <span
      {...(title === undefined ? {} : { title })}
      className={`inline-flex max-w-full items-center gap-1 rounded-md px-1.5 py-0.5 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {children}
    </span>
  );
}

export function StatusMark({ status, code }: { status: number; code: string | null }): ReactNode {
  const tone = status < 400 ? 'good' : status < 500 ? 'warn' : 'bad';
  return (
    <Mark tone={tone}>
      {status}
      {code !== null && <span className="truncate font-normal">{code}</span>}
    </Mark>
  );
}

export function Dot({ tone }: { tone: Tone }): ReactNode {
  const colour = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad', plain: 'bg-muted', accent: 'bg-accent' }[tone];
  return <span className={`inline-block size-2 shrink-0 rounded-full ${colour}`} aria-hidden="true" />;
}

/** Spent, held and left of a cap. */
export function CapBar({ spent, held, cap }: { spent: string; held: string; cap: string | null }): ReactNode {
  if (cap === null) return <div className="h-1.5 rounded-full bg-raised" />;
  const whole = toNano(cap);
  const share = (nano: bigint): number => (whole === 0n ? 100 : Math.min(100, Number((nano * 10_000n) / whole) / 100));
  const used = share(toNano(spent));
  const reserved = Math.min(100 - used, share(toNano(held)));
  const tone = used >= 95 ? 'bg-bad' : used >= 80 ? 'bg-warn' : 'bg-accent';
  const label = t('{spent} spent and {held} held of {cap}', {
    spent: showUsd(spent).text,
    held: showUsd(held).text,
    cap: showUsd(cap).text,
  });
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(used + reserved)}
      title={label}
      className="flex h-1.5 overflow-hidden rounded-full bg-raised"
    >
      <div className={tone} style={{ width: `${used}%` }} />
      <div className={`${tone} opacity-40`} style={{ width: `${reserved}%` }} />
    </div>
  );
}

export function stateWord(state: string): string {
  return t(state as Sentence);
}
