import { useState, type ReactNode } from 'react';
import type {
  CreateKeyRequest,
  EditKeyRequest,
  IssuedKey,
  KeyRow,
  ModelsReply,
} from '../../../src/http/api/contract.ts';
import { ApiError, post } from '../api.ts';
import { useAccount, useAccountQuery, useApi, useMe } from '../query.ts';
import { useSending } from '../sending.ts';
import { AccountField } from '../ui/account-field.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { SelectField, TextArea, TextField } from '../ui/field.tsx';
import { ErrorNote } from '../ui/notes.tsx';
import { errorText, t } from '../words/words.ts';

interface Properties {
  /** The key to change; without it, one is made. */
  readonly row?: KeyRow;
  readonly onClose: () => void;
  readonly onCreated: (issued: IssuedKey | null) => void;
}

const words = (text: string): string[] | null => {
  const list = text.split(/[\s,]+/).filter((word) => word !== '');
  return list.length === 0 ? null : list;
};
const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text));

function valuesOf(row: KeyRow | undefined) {
  return {
    name: row?.name ?? '',
    kind: row?.kind ?? 'wholesale',
    cap: row === undefined ? '10' : (row.cap_usd ?? ''),
    perMinute: row?.requests_per_minute?.toString() ?? '',
    concurrency: row?.concurrency?.toString() ?? '',
    models: row?.allowed_models?.join(', ') ?? '',
    addresses: row?.allowed_addresses?.join(', ') ?? '',
    expires: row?.expires_at?.slice(0, 10) ?? '',
    tiers: row?.tiers ?? '',
  };
}

type Values = ReturnType<typeof valuesOf>;

function limitsOf(values: Values, row: KeyRow | undefined): EditKeyRequest {
  const expires = values.expires === '' ? null : new Date(`${values.expires}T00:00:00Z`).toISOString();
  return {
    name: values.name.trim(),
    cap_usd: values.cap.trim() === '' ? null : values.cap.trim(),
    requests_per_minute: numberOf(values.perMinute),
    concurrency: numberOf(values.concurrency),
    allowed_models: words(values.models),
    allowed_addresses: words(values.addresses),
    // The end that a key has stays to the second, unless another day was chosen.
    ...(row !== undefined && (row.expires_at?.slice(0, 10) ?? '') === values.expires ? {} : { expires_at: expires }),
    ...(values.tiers === (row?.tiers ?? '') ? {} : { tiers: values.tiers.replaceAll(' ', '') }),
  };
}

export function KeyForm({ row, onClose, onCreated }: Properties): ReactNode {
  const me = useMe();
  const account = useAccount();
  const [values, setValues] = useState(() => valuesOf(row));
  const [accountId, setAccountId] = useState(row?.account.account_id ?? account ?? '');
  const set = (change: Partial<Values>): void => setValues((before) => ({ ...before, ...change }));

  const { error, busy, onSubmit } = useSending(async () => {
    const limits = limitsOf(values, row);
    if (row === undefined) {
      const request: CreateKeyRequest = {
        ...limits,
        name: limits.name ?? '',
        kind: values.kind,
        ...(me.role === 'operator' ? { account_id: accountId } : {}),
      };
      onCreated(await post<IssuedKey>('/keys', request));
    } else {
      await post<KeyRow>(`/keys/${row.key_id}`, limits);
      onCreated(null);
    }
  });
  const param = error instanceof ApiError ? error.param : null;
  const at = (name: string): string | null => (param === name ? errorText(error) : null);

  return (
    <Dialog wide title={row === undefined ? t('Create a key') : t('Edit {name}', { name: row.name })} onClose={onClose}>
      <form onSubmit={onSubmit} className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={t('Name')}
            required
            maxLength={200}
            autoFocus
            hint={t('What will call with it, such as “support hotline”.')}
            error={at('name')}
            value={values.name}
            onChange={({ target }) => set({ name: target.value })}
          />
          <TextField
            label={t('Monthly cap in US dollars')}
            inputMode="decimal"
            pattern="\d{1,9}(\.\d{1,9})?"
            placeholder={t('no cap')}
            hint={t('Hard, for the calendar month in UTC. Empty: no cap.')}
            error={at('cap_usd')}
            value={values.cap}
            onChange={({ target }) => set({ cap: target.value })}
          />
          {row === undefined && me.role === 'operator' && (
            <AccountField value={accountId} onChange={setAccountId} error={at('account_id')} />
          )}
          {row === undefined && (
            <SelectField
              label={t('Kind')}
              hint={values.kind === 'wholesale' ? t('It transcribes.') : t('It only reads models, prices and usage.')}
              value={values.kind}
              onChange={({ target }) => set({ kind: target.value as Values['kind'] })}
            >
              <option value="wholesale">{t('wholesale')}</option>
              <option value="console">{t('console')}</option>
            </SelectField>
          )}
        </div>
        <Limits values={values} set={set} at={at} isOpen={row !== undefined} />
        <ErrorNote error={error} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {row === undefined ? t('Create the key') : t('Save')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface LimitsProperties {
  readonly values: Values;
  readonly set: (change: Partial<Values>) => void;
  /** What the server said of a field. */
  readonly at: (name: string) => string | null;
  readonly isOpen: boolean;
}

function Limits({ values, set, at, isOpen }: LimitsProperties): ReactNode {
  const me = useMe();
  const models = useApi<ModelsReply>('/models', useAccountQuery());
  return (
    <details className="rounded-lg border border-line" open={isOpen}>
      <summary className="px-3.5 py-2 font-medium">{t('Limits')}</summary>
      <div className="grid gap-4 border-t border-line p-3.5 sm:grid-cols-2">
        <TextField
          label={t('Requests a minute')}
          inputMode="numeric"
          pattern="[1-9]\d*"
          placeholder={String(me.default_limits.requests_per_minute)}
          error={at('requests_per_minute')}
          value={values.perMinute}
          onChange={({ target }) => set({ perMinute: target.value })}
        />
        <TextField
          label={t('Requests at once')}
          inputMode="numeric"
          pattern="[1-9]\d*"
          placeholder={String(me.default_limits.concurrency)}
          error={at('concurrency')}
          value={values.concurrency}
          onChange={({ target }) => set({ concurrency: target.value })}
        />
        <TextField
          label={t('Models')}
          placeholder={t('all')}
          hint={models.data?.data.map(({ model }) => model).join(', ') ?? ''}
          error={at('allowed_models')}
          value={values.models}
          onChange={({ target }) => set({ models: target.value })}
        />
        <TextField
          label={t('Ends on')}
          type="date"
          hint={t('At 00:00 UTC. Empty: no end.')}
          error={at('expires_at')}
          value={values.expires}
          onChange={({ target }) => set({ expires: target.value })}
        />
        <TextArea
          label={t('Addresses that may use it')}
          rows={2}
          placeholder={t('all')}
          hint={t('Such as 203.0.113.7 or 10.0.0.0/8.')}
          error={at('allowed_addresses')}
          value={values.addresses}
          onChange={({ target }) => set({ addresses: target.value })}
        />
        {me.role === 'operator' && (
          <TextField
            label={t('Tiers of its own')}
            placeholder="1000:500,10000:1200"
            hint={t('USD:basis points. Above so much list spend of this key in the month.')}
            error={at('tiers')}
            value={values.tiers}
            onChange={({ target }) => set({ tiers: target.value })}
          />
        )}
      </div>
    </details>
  );
}
