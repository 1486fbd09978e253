import { useState, type ReactNode } from 'react';
import type { LoginRequest, Me } from '../../src/http/api/contract.ts';
import { postAlone } from './api.ts';
import { queryClient } from './query.ts';
import { useSending } from './sending.ts';
import { loggedIn, useMustLogIn } from './session.ts';
import { Button } from './ui/button.tsx';
import { Dialog } from './ui/dialog.tsx';
import { TextField } from './ui/field.tsx';
import { Logo } from './ui/icons.tsx';
import { ErrorNote } from './ui/notes.tsx';
import { t } from './words/words.ts';

/** Over whatever is open, which stays as it is: what was typed there is still there afterwards. */
export function LogInOver(): ReactNode {
  const must = useMustLogIn();
  if (!must) return null;
  const before = queryClient.getQueryData<Me>(['/me', {}]);
  if (before === undefined) return <LogInPage />;
  return (
    <Dialog insist title={t('Log in again')} description={t('Your session has ended. What you typed is still there.')}>
      <LogInForm email={before.user.email} />
    </Dialog>
  );
}

function LogInPage(): ReactNode {
  return (
    <Front>
      <h1 className="mb-4 text-lg font-semibold">{t('Log in')}</h1>
      <LogInForm email="" />
      <p className="mt-5 text-xs text-muted">
        {t('No user yet? Whoever runs this server makes one for you, with a one-time link:')}{' '}
        <code className="font-mono break-all">earshot user create</code>
      </p>
      <p className="mt-2 text-xs text-muted">
        {t('Password lost, or never chosen? They make another link:')}{' '}
        <code className="font-mono break-all">earshot user link</code>
      </p>
    </Front>
  );
}

/** A page for somebody who isn't logged in. */
export function Front({ children }: { children: ReactNode }): ReactNode {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center p-4">
      <div className="mb-6 flex items-center gap-2.5 text-lg font-semibold tracking-tight">
        <Logo /> earshot
      </div>
      <div className="card w-full max-w-sm p-6">{children}</div>
    </main>
  );
}

function LogInForm({ email: known }: { email: string }): ReactNode {
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState('');
  const { error, busy, onSubmit } = useSending(async () => {
    const request: LoginRequest = { email: email.trim(), password };
    const me = await postAlone<Me>('/login', request).catch((refusal: unknown) => {
      setPassword('');
      throw refusal;
    });
    const before = queryClient.getQueryData<Me>(['/me', {}]);
    queryClient.setQueryData(['/me', {}], me);
    // Another user must not see what the one before them read.
    if (before !== undefined && before.user.user_id !== me.user.user_id) location.assign('/dashboard/');
    else loggedIn();
  });

  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <TextField
        label={t('E-mail address')}
        type="email"
        name="email"
        autoComplete="username"
        required
        autoFocus={known === ''}
        value={email}
        onChange={({ target }) => setEmail(target.value)}
      />
      <TextField
        label={t('Password')}
        type="password"
        name="password"
        autoComplete="current-password"
        required
        autoFocus={known !== ''}
        value={password}
        onChange={({ target }) => setPassword(target.value)}
      />
      <ErrorNote error={error} />
      <Button type="submit" look="main" busy={busy} className="w-full">
        {t('Log in')}
      </Button>
    </form>
  );
}
