import * as Radix from '@radix-ui/react-dropdown-menu';
import type { ReactNode } from 'react';
import { buttonClass } from './button.tsx';
import { Dots } from './icons.tsx';

export interface MenuItem {
  readonly label: string;
  readonly danger?: boolean;
  readonly onSelect: () => void;
}

export function Menu({
  label,
  items,
  children,
}: {
  label?: string;
  items: readonly MenuItem[];
  children?: ReactNode;
}): ReactNode {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger className={buttonClass('quiet', true)} {...(label === undefined ? {} : { 'aria-label': label })}>
        {children ?? <Dots />}
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={4}
          className="appears z-50 min-w-40 rounded-lg border border-line bg-surface p-1 shadow-xl"
        >
          {items.map(({ label: text, danger, onSelect }) => (
            <Radix.Item
              key={text}
              onSelect={onSelect}
              className={`cursor-pointer rounded-md px-2.5 py-1.5 outline-none data-highlighted:bg-raised ${danger === true ? 'text-bad' : ''}`}
            >
              {text}
            </Radix.Item>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
