import type { ReactNode } from 'react';
import { t } from '../words/words.ts';
import { Button } from './button.tsx';
import { Dialog, DialogActions } from './dialog.tsx';
import { ErrorNote } from './notes.tsx';
import { useSending } from '../sending.ts';

/** Asks once more before something happens, and stays open with the refusal where it can't. */
export function Confirm({
  title,
  description,
  action,
  look,
  act,
  onClose,
}: {
  title: string;
  description: string;
  /** On the button. */
  action: string;
  look: 'main' | 'danger';
  act: () => Promise<void>;
  onClose: () => void;
}): ReactNode {
  const { error, busy, onSubmit } = useSending(act);
  return (
    <Dialog title={title} description={description} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <ErrorNote error={error} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look={look} busy={busy}>
            {action}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
