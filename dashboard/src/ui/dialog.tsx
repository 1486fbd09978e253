import * as Radix from '@radix-ui/react-dialog';
import type { ReactNode } from 'react';
import { t } from '../words/words.ts';
import { useFocusBack } from './focus-back.ts';
import { Cross } from './icons.tsx';

interface Properties {
  readonly title: string;
  readonly description?: ReactNode;
  readonly onClose?: () => void;
  readonly wide?: boolean;
  /** Nothing is typed in it: a press beside it closes it too. */
  readonly light?: boolean;
  /** What it shows is shown once: only its own button closes it. */
  readonly once?: boolean;
  /** It covers everything, and nothing but its own end closes it. */
  readonly insist?: boolean;
  readonly children: ReactNode;
}

/** Shown while it is there; whoever shows it takes it away in `onClose`. */
export function Dialog(properties: Properties): ReactNode {
  const {
    title,
    description,
    onClose,
    wide = false,
    light = false,
    once = false,
    insist = false,
    children,
  } = properties;
  const stays = once || insist;
  const focusBack = useFocusBack();
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose?.()}>
      <Radix.Portal>
        <Radix.Overlay className={`fixed inset-0 bg-[#000]/45 backdrop-blur-[2px] ${insist ? 'z-60' : 'z-40'}`} />
        <Radix.Content
          {...focusBack}
          {...(description === undefined ? { 'aria-describedby': undefined } : {})}
          onInteractOutside={(event) => !light && event.preventDefault()}
          onEscapeKeyDown={(event) => stays && event.preventDefault()}
          className={`appears fixed inset-x-0 top-0 mx-auto mt-[max(1rem,8vh)] flex max-h-[min(84vh,100dvh-2rem)] w-[calc(100vw-1.5rem)] flex-col overflow-hidden rounded-xl border border-line bg-surface shadow-2xl focus:outline-none ${insist ? 'z-60' : 'z-40'} ${wide ? 'max-w-2xl' : 'max-w-md'}`}
        >
          <div className="flex items-start justify-between gap-4 px-5 pt-4 pb-2">
            <div>
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description !== undefined && (
                <Radix.Description className="mt-0.5 text-muted">{description}</Radix.Description>
              )}
            </div>
            {!stays && (
              <Radix.Close className="-mr-1.5 rounded-md p-1.5 text-muted hover:bg-raised" aria-label={t('Close')}>
                <Cross />
              </Radix.Close>
            )}
          </div>
          <div className="overflow-y-auto px-5 pt-1 pb-5">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** What a form ends with. */
export function DialogActions({ children }: { children: ReactNode }): ReactNode {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}
