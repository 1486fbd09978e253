import { useState, type ReactNode } from 'react';
import type { CreateUserRequest, Role, UserRow, UserWithLink } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import { readAgain, untilReadAgain, useAccount, useMe, usePages } from '../query.ts';
import { useSending } from '../sending.ts';
import { AccountField } from '../ui/account-field.tsx';
import { Button } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { atFields, SelectField, TextField } from '../ui/field.tsx';
import { Mark } from '../ui/marks.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card } from '../ui/page.tsx';
import { Menu } from '../ui/menu.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { DataTable, moreOf, type Columns } from '../ui/table.tsx';
import { Countdown, Distance, Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';

export function Users(): ReactNode {
  const me = useMe();
  const [q, setQ] = useState('');
  const [invites, setInvites] = useState(false);
  const [created, setCreated] = useState<UserWithLink | null>(null);
  const [open, setOpen] = useState<Open | null>(null);
  const users = usePages<UserRow>('/users', { q, limit: 50 });
  return (
    <>
      <div className="mb-3 flex flex-wrap justify-between gap-2">
        <SearchBox label={t('E-mail address')} value={q} onChange={setQ} />
        <Button look="main" onClick={() => setInvites(true)}>
          {t('Invite somebody')}
        </Button>
      </div>
      <ErrorNote error={users.error} again={() => void users.refetch()} />
      <Card>
        <DataTable
          label={t('Users')}
          rows={users.rows}
          rowId={(user) => user.user_id}
          columns={columns(me.user.user_id, setOpen)}
          more={moreOf(users)}
          empty={<Empty title={t('No user has this address')} />}
        />
      </Card>
      {invites && (
        <Invite
          onClose={() => setInvites(false)}
          onCreated={(user) => {
            setInvites(false);
            setCreated(user);
            readAgain('/users');
          }}
        />
      )}
      {open?.kind === 'link' && (
        <NewLink
          user={open.user}
          onClose={() => setOpen(null)}
          onMade={(user) => {
            setOpen(null);
            setCreated(user);
          }}
        />
      )}
      {open?.kind === 'remove' && <Remove user={open.user} onClose={() => setOpen(null)} />}
      {created !== null && <LinkShown created={created} onClose={() => setCreated(null)} />}
    </>
  );
}

/** What is about to happen to a user. */
interface Open {
  readonly kind: 'link' | 'remove';
  readonly user: UserRow;
}

const columns = (ownId: string, open: (what: Open) => void): Columns<UserRow> => [
  {
    id: 'email',
    header: t('E-mail address'),
    cell: ({ row }) => (
      <span className="block max-w-[40vw] truncate sm:max-w-64 font-medium" title={row.original.email}>
        {row.original.email}
      </span>
    ),
  },
  {
    id: 'role',
    header: t('Role'),
    cell: ({ row }) => <Mark tone={row.original.role === 'operator' ? 'accent' : 'plain'}>{t(row.original.role)}</Mark>,
  },
  { id: 'account', header: t('Account'), meta: { from: 'sm' }, cell: ({ row }) => row.original.account?.name ?? '—' },
  {
    id: 'login',
    header: t('Last log-in'),
    meta: { from: 'sm' },
    cell: ({ row: { original: user } }) =>
      user.last_login_at !== null ? (
        <Distance at={user.last_login_at} />
      ) : (
        <span className="text-muted">{user.has_password ? t('never') : t('link not used yet')}</span>
      ),
  },
  {
    id: 'made',
    header: t('Made'),
    meta: { from: 'md' },
    cell: ({ row }) => <Time at={row.original.created_at} how="day" />,
  },
  {
    id: 'actions',
    meta: { actions: true },
    header: () => <span className="sr-only">{t('Actions')}</span>,
    cell: ({ row: { original: user } }) => (
      <Menu
        label={t('Actions for {name}', { name: user.email })}
        items={[
          { label: t('New link'), onSelect: () => open({ kind: 'link', user }) },
          ...(user.user_id === ownId
            ? []
            : [{ label: t('Remove'), danger: true, onSelect: () => open({ kind: 'remove', user }) }]),
        ]}
      />
    ),
  },
];

function NewLink({
  user,
  onClose,
  onMade,
}: {
  user: UserRow;
  onClose: () => void;
  onMade: (made: UserWithLink) => void;
}): ReactNode {
  return (
    <Confirm
      title={t('A new link for {email}', { email: user.email })}
      description={t(
        'For somebody who has lost the password or the first link. The password works on until the new link is used; earlier links end now.',
      )}
      action={t('Make the link')}
      look="main"
      act={async () => onMade(await post<UserWithLink>(`/users/${user.user_id}/link`, {}))}
      onClose={onClose}
    />
  );
}

function Remove({ user, onClose }: { user: UserRow; onClose: () => void }): ReactNode {
  return (
    <Confirm
      title={t('Remove {email}', { email: user.email })}
      description={t(
        'They are logged out at once and can no longer log in. Keys are not theirs but their account’s, and go on working.',
      )}
      action={t('Remove')}
      look="danger"
      act={async () => {
        await post<UserRow>(`/users/${user.user_id}/remove`, {});
        await untilReadAgain('/users');
        onClose();
      }}
      onClose={onClose}
    />
  );
}

function LinkShown({ created, onClose }: { created: UserWithLink; onClose: () => void }): ReactNode {
  return (
    <Dialog
      wide
      once
      title={t('A one-time link for {email}', { email: created.row.email })}
      description={t('Send it to them. Whoever opens it first chooses the password.')}
      onClose={onClose}
    >
      <CodeBlock label={t('Link')} text={created.setup_url} />
      <p className="mt-3 text-muted">
        {t('It works once, for another')} <Countdown to={created.expires_at} />
      </p>
      <DialogActions>
        <Button look="main" onClick={onClose}>
          {t('I have kept it')}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const ABOUT = {
  operator: 'Sees and changes everything.',
  owner: 'Has the keys, caps, usage and statements of one account.',
  viewer: 'Reads what belongs to one account, and changes nothing.',
} as const;

function Invite({
  onClose,
  onCreated,
}: {
  onClose: () => void;
  onCreated: (created: UserWithLink) => void;
}): ReactNode {
  const account = useAccount();
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('owner');
  const [accountId, setAccountId] = useState(account ?? '');
  const { error, busy, onSubmit } = useSending(async () => {
    const request: CreateUserRequest = {
      email: email.trim(),
      role,
      ...(role === 'operator' ? {} : { account_id: accountId }),
    };
    onCreated(await post<UserWithLink>('/users', request));
  });
  const { at, rest } = atFields(error, 'email', 'role', 'account_id');
  return (
    <Dialog
      title={t('Invite somebody')}
      description={t('They get a link that works once, and choose a password.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <TextField
          label={t('E-mail address')}
          type="email"
          required
          autoFocus
          error={at('email')}
          value={email}
          onChange={({ target }) => setEmail(target.value)}
        />
        <SelectField
          label={t('Role')}
          hint={t(ABOUT[role])}
          error={at('role')}
          value={role}
          onChange={({ target }) => setRole(target.value as Role)}
        >
          <option value="owner">{t('owner')}</option>
          <option value="viewer">{t('viewer')}</option>
          <option value="operator">{t('operator')}</option>
        </SelectField>
        {role !== 'operator' && <AccountField value={accountId} onChange={setAccountId} error={at('account_id')} />}
        <ErrorNote error={rest} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {t('Make the link')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
