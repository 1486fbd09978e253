/** What is around every screen: where one can go, whose account it is, and who one is. */
import { useEffect, useState, type ReactNode } from 'react';
import type { AccountRow, Me } from '../../src/http/api/contract.ts';
import { postAlone } from './api.ts';
import { CommandPalette, type Command } from './command-palette.tsx';
import { changeQuery, go } from './place.ts';
import { useAccount, usePages } from './query.ts';
import { Button, buttonClass } from './ui/button.tsx';
import { Dialog } from './ui/dialog.tsx';
import { isDialogOpen } from './ui/focus-back.ts';
import { Globe, Logo, Menu as MenuIcon, SCREEN_ICONS, Search } from './ui/icons.tsx';
import { Link } from './ui/link.tsx';
import { Menu } from './ui/menu.tsx';
import { chooseLanguage, language, t, type Sentence } from './words/words.ts';

const SCREENS: readonly (readonly [string, Sentence])[] = [
  ['/', 'Overview'],
  ['/keys', 'Keys'],
  ['/usage', 'Usage'],
  ['/requests', 'Requests'],
  ['/playground', 'Playground'],
  ['/models', 'Models and prices'],
  ['/billing', 'Billing'],
  ['/jobs', 'Jobs and webhooks'],
];

const OPERATOR: readonly [string, Sentence] = ['/operator', 'Operator'];

export function Shell({ me, path, children }: { me: Me; path: string; children: ReactNode }): ReactNode {
  const [palette, setPalette] = useState(false);
  const [menu, setMenu] = useState(false);
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey)) {
        event.preventDefault();
        // What is typed in a dialog, such as a password, must not end in the palette.
        if (!isDialogOpen()) setPalette(true);
      }
    }
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => setMenu(false), [path]);
  return (
    <div className="flex min-h-dvh">
      <a
        href="#main"
        className="sr-only z-50 rounded-lg bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        {t('Skip to the content')}
      </a>
      <aside className="no-print sticky top-0 hidden h-dvh w-56 shrink-0 flex-col border-r border-line px-3 py-4 lg:flex">
        <Link to="/" className="mb-5 flex items-center gap-2.5 px-2 text-base font-semibold tracking-tight">
          <Logo /> earshot
        </Link>
        <Screens me={me} path={path} />
        <p className="mt-auto px-2 text-xs text-muted">
          <a className="hover:underline" href="/docs">
            {t('API reference')}
          </a>{' '}
          · {me.version}
        </p>
      </aside>
      <div className="flex min-w-0 flex-1 flex-col">
        <header className="no-print sticky top-0 z-30 flex h-14 items-center gap-2 border-b border-line bg-page/90 px-3 backdrop-blur sm:px-6">
          <button
            type="button"
            className={`${buttonClass('quiet', true)} -ml-1 lg:hidden`}
            aria-label={t('Menu')}
            onClick={() => setMenu(true)}
          >
            <MenuIcon />
          </button>
          {me.role === 'operator' ? (
            <AccountPicker />
          ) : (
            <span className="truncate font-medium">{me.account?.name}</span>
          )}
          <div className="ml-auto flex items-center gap-1">
            <Button look="plain" small onClick={() => setPalette(true)}>
              <Search />
              <span className="max-sm:sr-only">{t('Search')}</span>
              <kbd className="font-sans text-xs text-muted max-sm:hidden">Ctrl K</kbd>
            </Button>
            <UserMenu me={me} />
          </div>
        </header>
        <main id="main" tabIndex={-1} className="w-full max-w-[110rem] flex-1 px-3 py-5 outline-none sm:px-6">
          {children}
        </main>
      </div>
      {menu && (
        <Dialog light title="earshot" onClose={() => setMenu(false)}>
          <Screens me={me} path={path} />
        </Dialog>
      )}
      {palette && <CommandPalette commands={commandsFor(me)} onClose={() => setPalette(false)} />}
    </div>
  );
}

function screensFor(me: Me): readonly (readonly [string, Sentence])[] {
  return me.role === 'operator' ? [...SCREENS, OPERATOR] : SCREENS;
}

function Screens({ me, path }: { me: Me; path: string }): ReactNode {
  return (
    <nav aria-label={t('Screens')} className="space-y-0.5">
      {screensFor(me).map(([to, name]) => {
        const here = to === '/' ? path === '/' : path.startsWith(to);
        return (
          <Link
            key={to}
            to={to}
            aria-current={here ? 'page' : undefined}
            className={`flex items-center gap-2.5 rounded-lg px-2 py-1.5 ${here ? 'bg-accent-soft font-medium text-accent' : 'text-muted hover:bg-raised hover:text-ink'}`}
          >
            {SCREEN_ICONS[to]}
            {t(name)}
          </Link>
        );
      })}
    </nav>
  );
}

/** An operator looks at all accounts, or at one. */
function AccountPicker(): ReactNode {
  const account = useAccount();
  const { rows = [], hasNextPage } = usePages<AccountRow>('/accounts', { limit: 200 });
  const known = account === null || rows.some(({ account_id: id }) => id === account);
  return (
    <select
      aria-label={t('Account')}
      className="min-h-8 max-w-[45vw] min-w-0 truncate rounded-lg border border-line bg-surface px-2 font-medium sm:max-w-64"
      value={account ?? ''}
      onChange={({ target }) => changeQuery({ account: target.value })}
    >
      <option value="">{t('All accounts')}</option>
      {!known && <option value={account}>{account}</option>}
      {rows.map(({ account_id: id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
      {hasNextPage && <option disabled>{t('More under Operator, Accounts')}</option>}
    </select>
  );
}

function otherLanguage(): void {
  chooseLanguage(language() === 'en' ? 'zh-CN' : 'en');
}

function logOut(): void {
  void postAlone('/logout', {}).finally(() => location.assign('/dashboard/'));
}

function UserMenu({ me }: { me: Me }): ReactNode {
  return (
    <>
      <Button look="quiet" small onClick={otherLanguage}>
        <Globe />
        <span className="max-sm:sr-only">{language() === 'en' ? '简体中文' : 'English'}</span>
      </Button>
      <Menu items={[{ label: t('Log out'), onSelect: logOut }]}>
        <span
          aria-hidden="true"
          className="grid size-6 place-items-center rounded-full bg-accent text-xs font-semibold text-on-accent uppercase"
        >
          {me.user.email.slice(0, 1)}
        </span>
        <span className="max-w-40 truncate max-md:sr-only">{me.user.email}</span>
        <span className="text-xs font-normal text-muted max-md:sr-only">{t(me.role)}</span>
      </Menu>
    </>
  );
}

function commandsFor(me: Me): readonly Command[] {
  const screens = screensFor(me).map(([to, name]) => ({ label: t(name), run: () => go(to) }));
  const more: Command[] = [
    ...(me.role === 'viewer' ? [] : [{ label: t('Create a key'), run: () => go('/keys', { new: '1' }) }]),
    { label: t('Requests that failed'), run: () => go('/requests', { status: 'error' }) },
    { label: language() === 'en' ? '简体中文' : 'English', run: otherLanguage },
    { label: t('API reference'), run: () => location.assign('/docs') },
    { label: t('Log out'), run: logOut },
  ];
  if (me.role === 'operator')
    more.unshift(
      { label: t('Users'), run: () => go('/operator/users') },
      { label: t('Engines'), run: () => go('/operator/engines') },
      { label: t('Audit log'), run: () => go('/operator/audit') },
    );
  return [...screens, ...more];
}
