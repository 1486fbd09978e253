import type { ReactNode } from 'react';
import type { AccountRow } from '../../../src/http/api/contract.ts';
import { usePages } from '../query.ts';
import { t } from '../words/words.ts';
import { SelectField } from './field.tsx';

/** For an operator: whose it is. */
export function AccountField({
  value,
  onChange,
  error = null,
}: {
  value: string;
  onChange: (accountId: string) => void;
  error?: string | null;
}): ReactNode {
  const { rows = [] } = usePages<AccountRow>('/accounts', { limit: 200 });
  return (
    <SelectField
      label={t('Account')}
      required
      error={error}
      {...(rows.length === 0 ? { hint: t('There is no account yet: make one under Operator, Accounts.') } : {})}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    >
      <option value="">{t('Choose…')}</option>
      {value !== '' && !rows.some(({ account_id: id }) => id === value) && <option value={value}>{value}</option>}
      {rows.map(({ account_id: id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
