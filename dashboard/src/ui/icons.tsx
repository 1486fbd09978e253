/** Drawn here: the few that are needed. */
import type { ReactNode } from 'react';

function Icon({ children, className = 'size-4' }: { children: ReactNode; className?: string }): ReactNode {
  return (
    <svg
      viewBox="0 0 20 20"
      className={`${className} shrink-0`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const Cross = () => (
  <Icon>
    <path d="M5 5l10 10M15 5L5 15" />
  </Icon>
);
export const Check = () => (
  <Icon>
    <path d="M4 10.5l4 4 8-9" />
  </Icon>
);
export const Copy = () => (
  <Icon>
    <rect x="7" y="7" width="9" height="9" rx="2" />
    <path d="M13 4.5A1.5 1.5 0 0 0 11.5 3h-7A1.5 1.5 0 0 0 3 4.5v7A1.5 1.5 0 0 0 4.5 13" />
  </Icon>
);
export const Menu = () => (
  <Icon className="size-5">
    <path d="M3 6h14M3 10h14M3 14h14" />
  </Icon>
);
export const Dots = () => (
  <Icon>
    <circle cx="4" cy="10" r="0.8" fill="currentColor" />
    <circle cx="10" cy="10" r="0.8" fill="currentColor" />
    <circle cx="16" cy="10" r="0.8" fill="currentColor" />
  </Icon>
);
export const Search = () => (
  <Icon>
    <circle cx="9" cy="9" r="5" />
    <path d="M13 13l4 4" />
  </Icon>
);
export const Play = () => (
  <Icon>
    <path d="M6 4l10 6-10 6z" fill="currentColor" />
  </Icon>
);
export const Pause = () => (
  <Icon>
    <path d="M7 4v12M13 4v12" strokeWidth="3" />
  </Icon>
);
export const Microphone = () => (
  <Icon>
    <rect x="7.5" y="2.5" width="5" height="9" rx="2.5" />
    <path d="M4.5 9.5a5.5 5.5 0 0 0 11 0M10 15v3" />
  </Icon>
);
export const Warning = () => (
  <Icon>
    <path d="M10 3l8 14H2z" />
    <path d="M10 8v4M10 14.5v.1" />
  </Icon>
);
export const Down = () => (
  <Icon>
    <path d="M10 3v10M5.5 9L10 13.5 14.5 9M4 17h12" />
  </Icon>
);
export const Globe = () => (
  <Icon>
    <circle cx="10" cy="10" r="7.5" />
    <path d="M2.5 10h15M10 2.5c5 5 5 10 0 15M10 2.5c-5 5-5 10 0 15" />
  </Icon>
);

/** Of the screens, by their path. */
export const SCREEN_ICONS: Readonly<Record<string, ReactNode>> = {
  '/': (
    <Icon>
      <path d="M3 17V9M8 17V4M13 17v-6M18 17V7" strokeWidth="2" />
    </Icon>
  ),
  '/keys': (
    <Icon>
      <circle cx="6.5" cy="13.5" r="3.5" />
      <path d="M9 11l7-7M13 7l2.5 2.5" />
    </Icon>
  ),
  '/usage': (
    <Icon>
      <path d="M2.5 15l5-6 3.5 3 6.5-8" />
      <path d="M2.5 18h15" />
    </Icon>
  ),
  '/requests': (
    <Icon>
      <path d="M3 5h14M3 10h14M3 15h9" />
    </Icon>
  ),
  '/playground': (
    <Icon>
      <path d="M3 8v4M6.5 5.5v9M10 3v14M13.5 6.5v7M17 8.5v3" strokeWidth="2" />
    </Icon>
  ),
  '/models': (
    <Icon>
      <path d="M10 2.5l7 4v7l-7 4-7-4v-7z" />
      <path d="M3 6.5l7 4 7-4M10 10.5v7" />
    </Icon>
  ),
  '/billing': (
    <Icon>
      <path d="M5 2.5h10v15l-2.5-1.5L10 17.5 7.5 16 5 17.5z" />
      <path d="M8 7h4M8 10.5h4" />
    </Icon>
  ),
  '/jobs': (
    <Icon>
      <circle cx="10" cy="10" r="7.5" />
      <path d="M10 5.5V10l3 2" />
    </Icon>
  ),
  '/operator': (
    <Icon>
      <path d="M3 6h8M15 6h2M3 14h2M9 14h8" />
      <circle cx="13" cy="6" r="2" />
      <circle cx="7" cy="14" r="2" />
    </Icon>
  ),
};

export function Logo(): ReactNode {
  return (
    <svg viewBox="0 0 32 32" className="size-7 shrink-0" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0b6b62" />
      <path d="M6 14v4M11 10v12M16 6v20M21 11v10M26 14v4" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}
