import { useState, type ReactNode } from 'react';
import type { IssuedKey, KeyRow, RotatedKey } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import { firstCall } from '../first-call.ts';
import { untilReadAgain, useMe } from '../query.ts';
import { useSending } from '../sending.ts';
import { Button } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { ErrorNote } from '../ui/notes.tsx';
import { Countdown } from '../ui/values.tsx';
import { t } from '../words/words.ts';

/** The only time that the key's text is seen. */
export function KeyShown({ issued, onClose }: { issued: IssuedKey; onClose: () => void }): ReactNode {
  const me = useMe();
  const { key, row } = issued;
  const example =
    row.kind === 'wholesale'
      ? firstCall(me.public_url, key, row.allowed_models?.[0])
      : `curl ${me.public_url}/v1/usage -H "Authorization: Bearer ${key}"`;
  return (
    <Dialog
      wide
      once
      title={t('Your new key')}
      description={t('Copy it now. It is shown this one time, and nobody can look it up later.')}
      onClose={onClose}
    >
      <div className="space-y-4">
        <CodeBlock label={row.name} text={key} copy={t('Copy the key')} />
        <CodeBlock label={t('A first call')} text={example} />
        {'old_key_expires_at' in issued && (
          <p className="text-warn">
            {t('The old key works for another')} <Countdown to={(issued as RotatedKey).old_key_expires_at} />
          </p>
        )}
      </div>
      <DialogActions>
        <Button look="main" onClick={onClose}>
          {t('I have kept it')}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const GRACES = [
  [0, 'It ends at once'],
  [3_600, 'One hour'],
  [86_400, 'One day'],
  [7 * 86_400, 'One week'],
] as const;

export function RotateKey({
  row,
  onClose,
  onRotated,
}: {
  row: KeyRow;
  onClose: () => void;
  onRotated: (issued: IssuedKey) => void;
}): ReactNode {
  const [grace, setGrace] = useState(86_400);
  const { error, busy, onSubmit } = useSending(async () => {
    onRotated(await post<RotatedKey>(`/keys/${row.key_id}/rotate`, { grace_seconds: grace }));
  });
  return (
    <Dialog
      title={t('Rotate {name}', { name: row.name })}
      description={t('A new key takes its place, with the same rights and the same cap.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <SelectField
          label={t('How long the old key works')}
          hint={t('Long enough to put the new one everywhere.')}
          value={grace}
          onChange={({ target }) => setGrace(Number(target.value))}
        >
          {GRACES.map(([seconds, name]) => (
            <option key={seconds} value={seconds}>
              {t(name)}
            </option>
          ))}
        </SelectField>
        <ErrorNote error={error} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {t('Rotate')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

export function RevokeKey({ row, onClose }: { row: KeyRow; onClose: () => void }): ReactNode {
  const [typed, setTyped] = useState('');
  const { error, busy, onSubmit } = useSending(async () => {
    await post<KeyRow>(`/keys/${row.key_id}/revoke`, {});
    // The row may be gone then, and with it the button that would get the focus.
    await untilReadAgain('/keys');
    onClose();
  });
  return (
    <Dialog
      title={t('Revoke {name}', { name: row.name })}
      description={t('It ends at once and for good: from the next moment on, no call begins with it.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <TextField
          label={t('Type its last four characters: {text}', { text: row.last_four })}
          autoComplete="off"
          autoFocus
          value={typed}
          onChange={({ target }) => setTyped(target.value.trim())}
        />
        <ErrorNote error={error} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="danger" busy={busy} disabled={typed !== row.last_four}>
            {t('Revoke the key')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
