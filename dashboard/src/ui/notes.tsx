import type { ReactNode } from 'react';
import { ApiError } from '../api.ts';
import { errorText, t } from '../words/words.ts';
import { Button } from './button.tsx';
import { Warning } from './icons.tsx';

/** What went wrong, what to do, and what to name when one asks about it. */
export function ErrorNote({ error, again }: { error: unknown; again?: () => void }): ReactNode {
  if (error === null || error === undefined) return null;
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <div role="alert" className="flex items-start gap-2.5 rounded-lg bg-bad-soft px-3.5 py-2.5 text-bad">
      <span className="mt-0.5">
        <Warning />
      </span>
      <div className="min-w-0 flex-1 break-words">
        {errorText(error)}
        {id !== null && id !== '' && <span className="ml-1.5 font-mono text-xs">{id}</span>}
      </div>
      {again !== undefined && (
        <Button small onClick={again}>
          {t('Try again')}
        </Button>
      )}
    </div>
  );
}

/** Nothing is here yet: what would be, and how it gets here. */
export function Empty({ title, children }: { title: string; children?: ReactNode }): ReactNode {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <svg viewBox="0 0 96 32" className="mb-4 h-8 w-24 text-line" aria-hidden="true">
        <path
          d="M4 16h6M16 12v8M24 7v18M32 13v6M40 3v26M48 10v12M56 14v4M64 8v16M72 13v6M80 16h.1M88 16h.1"
          stroke="currentColor"
          strokeWidth="4"
          strokeLinecap="round"
        />
      </svg>
      <h2 className="font-semibold">{title}</h2>
      {children !== undefined && <div className="mt-1.5 max-w-md text-muted">{children}</div>}
    </div>
  );
}

export function Skeleton({ lines = 4 }: { lines?: number }): ReactNode {
  return (
    <div className="space-y-3 p-4" role="status" aria-label={t('Loading')}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="skeleton h-5" style={{ width: `${94 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Good({ children }: { children: ReactNode }): ReactNode {
  return (
    <div role="status" className="rounded-lg bg-good-soft px-3.5 py-2.5 text-good">
      {children}
    </div>
  );
}
