import type { ButtonHTMLAttributes, ReactNode } from 'react';

type Look = 'main' | 'plain' | 'quiet' | 'danger';

const LOOKS: Record<Look, string> = {
  main: 'bg-accent text-on-accent border-transparent hover:opacity-90',
  plain: 'bg-surface text-ink border-line hover:bg-raised',
  quiet: 'bg-transparent text-ink border-transparent hover:bg-raised',
  danger: 'bg-bad text-page border-transparent hover:opacity-90',
};

export function buttonClass(look: Look = 'plain', small = false): string {
  const size = small ? 'min-h-8 px-2.5 text-[0.8125rem]' : 'min-h-9 px-3.5';
  return `inline-flex items-center justify-center gap-1.5 rounded-lg border font-medium whitespace-nowrap disabled:opacity-50 ${size} ${LOOKS[look]}`;
}

interface Properties extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: Look;
  readonly small?: boolean;
  /** Under way: it can't be pressed twice. */
  readonly busy?: boolean;
}

export function Button({
  look,
  small,
  busy = false,
  disabled,
  className = '',
  children,
  ...rest
}: Properties): ReactNode {
  return (
    <button
      type="button"
      aria-busy={busy}
      {...rest}
      disabled={disabled === true || busy}
      className={`${buttonClass(look, small)} ${className}`}
    >
      {busy && <Spinner />}
      {children}
    </button>
  );
}

export function Spinner(): ReactNode {
  return (
    <svg viewBox="0 0 16 16" className="size-3.5 animate-spin" aria-hidden="true">
      <circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" strokeWidth="2" opacity="0.3" />
      <path d="M8 1.5A6.5 6.5 0 0 1 14.5 8" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}
