import { lazy, Suspense, useEffect, type ReactNode } from 'react';
import type { Me } from '../../src/http/api/contract.ts';
import { useEvents } from './events.ts';
import { LogInOver } from './log-in.tsx';
import { go, usePath, usePlace } from './place.ts';
import { useApi } from './query.ts';
import { SetUp } from './set-up.tsx';
import { Shell } from './shell.tsx';
import { Boundary } from './ui/boundary.tsx';
import { ErrorNote, Skeleton } from './ui/notes.tsx';
import { Link } from './ui/link.tsx';
import { PageHead } from './ui/page.tsx';
import { Overview } from './screens/overview.tsx';
import { t } from './words/words.ts';

const Keys = lazy(() => import('./screens/keys.tsx'));
const Usage = lazy(() => import('./screens/usage.tsx'));
const Requests = lazy(() => import('./screens/requests.tsx'));
const OneRequest = lazy(() => import('./screens/one-request.tsx'));
const Playground = lazy(() => import('./playground/playground.tsx'));
const Models = lazy(() => import('./screens/models.tsx'));
const Billing = lazy(() => import('./screens/billing.tsx'));
const Jobs = lazy(() => import('./screens/jobs.tsx'));
const Operator = lazy(() => import('./screens/operator.tsx'));

export function App(): ReactNode {
  const path = usePath();
  const place = usePlace();
  if (path === '/setup') return <SetUp />;
  return (
    <>
      <Boundary place={place}>
        <Inside path={path} />
      </Boundary>
      <LogInOver />
    </>
  );
}

function Inside({ path }: { path: string }): ReactNode {
  const { data: me, error, refetch } = useApi<Me>('/me');
  useEffect(() => {
    if (me !== undefined && path === '/login') go('/');
  }, [me, path]);
  if (error !== null && me === undefined)
    return (
      <main className="mx-auto max-w-lg p-8">
        <ErrorNote error={error} again={() => void refetch()} />
      </main>
    );
  if (me === undefined) return null;
  return <LoggedIn me={me} path={path} />;
}

function LoggedIn({ me, path }: { me: Me; path: string }): ReactNode {
  useEvents();
  const place = usePlace();
  return (
    <Shell me={me} path={path}>
      <Boundary place={place}>
        <Suspense fallback={<Skeleton lines={8} />}>
          <Screen path={path} me={me} />
        </Suspense>
      </Boundary>
    </Shell>
  );
}

/** What a part of a path says; null where nobody can have written it so. */
function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function Screen({ path, me }: { path: string; me: Me }): ReactNode {
  const [, first = '', second] = path.split('/');
  switch (first) {
    case '':
      return <Overview />;
    case 'keys':
      return <Keys />;
    case 'usage':
      return <Usage />;
    case 'requests': {
      if (second === undefined) return <Requests />;
      const id = decoded(second);
      if (id !== null) return <OneRequest id={id} />;
      break;
    }
    case 'playground':
      return <Playground />;
    case 'models':
      return <Models />;
    case 'billing':
      return <Billing />;
    case 'jobs':
      return <Jobs />;
    case 'operator':
      if (me.role === 'operator') return <Operator tab={second ?? 'accounts'} />;
      break;
    default:
  }
  return (
    <PageHead title={t('There is nothing at this address')} about={<Link to="/">{t('Go to the overview')}</Link>} />
  );
}
