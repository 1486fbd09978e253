/** Money, times and shares, each shown as it is: what is rounded has its whole value on hover. */
import { useEffect, useState, type ReactNode } from 'react';
import { showDistance, showTime, showUsd, showUtc } from '../format.ts';

export function Money({ usd, digits }: { usd: string; digits?: number }): ReactNode {
  const { text, rounded } = digits === undefined ? showUsd(usd) : showUsd(usd, digits);
  return (
    <data value={usd} title={`$${usd}`} className={rounded ? 'rounded-number' : ''}>
      {text}
    </data>
  );
}

export function Time({ at, how = 'minute' }: { at: string; how?: 'time' | 'minute' | 'second' | 'day' }): ReactNode {
  return (
    <time
      dateTime={at}
      title={how === 'time' ? `${showTime(at, 'second')} · ${showUtc(at)}` : showUtc(at)}
      className="whitespace-nowrap"
    >
      {showTime(at, how)}
    </time>
  );
}

/** How long ago, or how long until then. */
export function Distance({ at, every = 30_000 }: { at: string; every?: number }): ReactNode {
  const now = useNow(every);
  return (
    <time dateTime={at} title={`${showTime(at, 'second')} · ${showUtc(at)}`} className="whitespace-nowrap">
      {showDistance(at, now)}
    </time>
  );
}

/** `1 d 03:20:05` until then. */
export function Countdown({ to }: { to: string }): ReactNode {
  const now = useNow(1_000);
  const seconds = Math.max(0, Math.round((new Date(to).getTime() - now) / 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const clock = `${two(Math.floor((seconds % 86_400) / 3_600))}:${two(Math.floor((seconds % 3_600) / 60))}:${two(seconds % 60)}`;
  return (
    <time dateTime={to} title={`${showTime(to, 'second')} · ${showUtc(to)}`} className="whitespace-nowrap">
      {days > 0 ? `${days} d ${clock}` : clock}
    </time>
  );
}

export function useNow(every: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
