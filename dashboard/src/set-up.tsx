import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Me, SetupFacts, SetupRequest } from '../../src/http/api/contract.ts';
import { get, postAlone } from './api.ts';
import { Front } from './log-in.tsx';
import { useQueryString } from './place.ts';
import { useSending } from './sending.ts';
import { Button } from './ui/button.tsx';
import { TextField } from './ui/field.tsx';
import { ErrorNote, Skeleton } from './ui/notes.tsx';
import { t } from './words/words.ts';

const PASSWORD_LENGTH_MIN = 10;

/** Where a one-time link leads: a password is chosen, and whoever came by the link is logged in. */
export function SetUp(): ReactNode {
  const { token = '' } = useQueryString();
  const facts = useQuery({
    queryKey: ['/setup', token],
    queryFn: () => get<SetupFacts>('/setup', { token }),
    staleTime: Infinity,
    retry: false,
  });
  return (
    <Front>
      <h1 className="mb-1 text-lg font-semibold">{t('Welcome to earshot')}</h1>
      {facts.isPending && <Skeleton lines={3} />}
      {facts.isError && (
        <div className="mt-3 space-y-3">
          <ErrorNote error={facts.error} />
          <p className="text-muted">
            {t('A link works once and for a limited time. Ask whoever runs this server for a new one:')}{' '}
            <code className="font-mono text-xs">earshot user link</code>
          </p>
          <a className="text-accent hover:underline" href="/dashboard/">
            {t('Log in')}
          </a>
        </div>
      )}
      {facts.data !== undefined && <SetUpForm token={token} facts={facts.data} />}
    </Front>
  );
}

function SetUpForm({ token, facts }: { token: string; facts: SetupFacts }): ReactNode {
  const [email, setEmail] = useState(facts.email ?? '');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const differs = again !== '' && again !== password;

  const { error, busy, onSubmit } = useSending(async () => {
    if (again !== password) return;
    const request: SetupRequest = { token, password, ...(facts.email === null ? { email: email.trim() } : {}) };
    await postAlone<Me>('/setup', request);
    location.assign('/dashboard/');
  });

  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <p className="text-muted">
        {facts.email === null
          ? t('You are the first: this makes the user who runs everything here.')
          : t('Choose a password for your account.')}
      </p>
      <TextField
        label={t('E-mail address')}
        type="email"
        name="email"
        autoComplete="username"
        required
        readOnly={facts.email !== null}
        autoFocus={facts.email === null}
        value={email}
        onChange={({ target }) => setEmail(target.value)}
      />
      <TextField
        label={t('Password')}
        type="password"
        name="password"
        autoComplete="new-password"
        required
        minLength={PASSWORD_LENGTH_MIN}
        hint={t('At least 10 characters; a sentence is good.')}
        value={password}
        onChange={({ target }) => setPassword(target.value)}
      />
      <TextField
        label={t('The same once more')}
        type="password"
        name="again"
        autoComplete="new-password"
        required
        error={differs ? t('The two are not the same.') : null}
        value={again}
        onChange={({ target }) => setAgain(target.value)}
      />
      <ErrorNote error={error} />
      <Button type="submit" look="main" busy={busy} className="w-full">
        {t('Set the password and go in')}
      </Button>
    </form>
  );
}
