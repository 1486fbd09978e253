import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from 'react';
import { go, hrefOf } from '../place.ts';

interface Properties extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  readonly to: string;
  readonly query?: Readonly<Record<string, string | null | undefined>>;
}

/** Another page of the dashboard. A new tab opens as with any link. */
export function Link({
  to,
  query = {},
  onClick,
  className = 'text-accent hover:underline',
  ...rest
}: Properties): ReactNode {
  function follow(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event);
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    go(to, query);
  }
  return <a {...rest} className={className} href={hrefOf(to, query)} onClick={follow} />;
}
