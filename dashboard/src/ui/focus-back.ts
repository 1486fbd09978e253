/** Which dialogs are open, and where the focus goes once one of them is closed: to what opened it. */
import { useEffect, useRef, useState, type RefObject } from 'react';

interface OpenDialog {
  /** What had the focus when it opened; behind it what opened the dialog of before, where that one led to it. */
  readonly openers: readonly HTMLElement[];
  readonly content: RefObject<HTMLDivElement | null>;
}

const dialogs: OpenDialog[] = [];

export function isDialogOpen(): boolean {
  return dialogs.length > 0;
}

/** For the content of a dialog, while it is open. The page beneath does not scroll. */
export function useFocusBack() {
  const content = useRef<HTMLDivElement>(null);
  const [opened] = useState(() => ({ openers: openersNow(), path: location.pathname }));
  useEffect(() => {
    const dialog = { openers: opened.openers, content };
    dialogs.push(dialog);
    document.body.classList.add('dialog-open');
    return () => {
      dialogs.splice(dialogs.indexOf(dialog), 1);
      if (dialogs.length === 0) document.body.classList.remove('dialog-open');
    };
  }, [opened]);
  return {
    ref: content,
    onCloseAutoFocus: (event: Event): void => {
      event.preventDefault();
      // Whoever went to another screen by it is there now.
      giveBack(location.pathname === opened.path ? opened.openers : []);
    },
  };
}

function openersNow(): readonly HTMLElement[] {
  const before = dialogs.at(-1)?.openers ?? [];
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === document.body) return before;
  // An item of a menu is about to go; its button stays.
  const button = document.getElementById(active.closest('[role=menu]')?.getAttribute('aria-labelledby') ?? '');
  return [button ?? active, ...before];
}

function giveBack(openers: readonly HTMLElement[]): void {
  const beneath = dialogs.at(-1)?.content.current ?? null;
  if (beneath?.contains(document.activeElement) === true) return;
  const opener = openers.find((one) => one.isConnected && (beneath === null || beneath.contains(one)));
  (opener ?? beneath ?? document.getElementById('main'))?.focus({ preventScroll: opener === undefined });
}
