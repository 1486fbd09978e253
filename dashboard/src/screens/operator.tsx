import * as Tabs from '@radix-ui/react-tabs';
import type { ReactNode } from 'react';
import { goBeside } from '../place.ts';
import { PageHead } from '../ui/page.tsx';
import { t, type Sentence } from '../words/words.ts';
import { Accounts } from './accounts.tsx';
import { Audit } from './audit.tsx';
import { EngineTable } from './engines.tsx';
import { Users } from './users.tsx';

const TABS: readonly (readonly [string, Sentence, () => ReactNode])[] = [
  ['accounts', 'Accounts', Accounts],
  ['users', 'Users', Users],
  ['engines', 'Engines', EngineTable],
  ['audit', 'Audit log', Audit],
];

export default function Operator({ tab }: { tab: string }): ReactNode {
  return (
    <>
      <PageHead title={t('Operator')} about={t('Whose accounts these are, who may log in, and how the engines do.')} />
      <Tabs.Root value={tab} onValueChange={(to) => goBeside(`/operator/${to}`)}>
        <Tabs.List className="mb-4 flex gap-1 overflow-x-auto border-b border-line" aria-label={t('Operator')}>
          {TABS.map(([name, label]) => (
            <Tabs.Trigger
              key={name}
              value={name}
              className="-mb-px border-b-2 border-transparent px-3 py-2 whitespace-nowrap text-muted hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink"
            >
              {t(label)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {TABS.map(([name, , Content]) => (
          <Tabs.Content key={name} value={name} tabIndex={-1}>
            <Content />
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </>
  );
}
