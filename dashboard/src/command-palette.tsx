import * as Radix from '@radix-ui/react-dialog';
import { useId, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { KeyRow, Page } from '../../src/http/api/contract.ts';
import { go } from './place.ts';
import { useAccountQuery, useApi } from './query.ts';
import { useFocusBack } from './ui/focus-back.ts';
import { t } from './words/words.ts';

export interface Command {
  readonly label: string;
  readonly note?: string;
  readonly run: () => void;
}

/** Goes anywhere by a few letters: screens, commands, keys by their name, and a request by its id. */
export function CommandPalette({
  commands,
  onClose,
}: {
  commands: readonly Command[];
  onClose: () => void;
}): ReactNode {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const listId = useId();
  const focusBack = useFocusBack();
  const found = useFound(commands, text.trim());

  function run(command: Command | undefined): void {
    if (command === undefined) return;
    onClose();
    command.run();
  }
  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      const next = (chosen + step + found.length) % found.length;
      setChosen(next);
      document.getElementById(`${listId}-${next}`)?.scrollIntoView({ block: 'nearest' });
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      run(found[chosen]);
    }
  }
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-[#000]/45 backdrop-blur-[2px]" />
        <Radix.Content
          {...focusBack}
          aria-describedby={undefined}
          className="appears fixed inset-x-0 top-[12vh] z-40 mx-auto w-[calc(100vw-1.5rem)] max-w-lg overflow-hidden rounded-xl border border-line bg-surface shadow-2xl"
        >
          <Radix.Title className="sr-only">{t('Search and commands')}</Radix.Title>
          <input
            autoFocus
            role="combobox"
            aria-expanded="true"
            aria-controls={listId}
            aria-activedescendant={`${listId}-${chosen}`}
            aria-label={t('A screen, a command, a key or the id of a request')}
            placeholder={t('A screen, a command, a key or the id of a request')}
            className="w-full border-b border-line bg-surface px-4 py-3 text-base outline-none"
            value={text}
            onChange={({ target }) => {
              setText(target.value);
              setChosen(0);
            }}
            onKeyDown={onKeyDown}
          />
          <ul id={listId} role="listbox" aria-label={t('Found')} className="max-h-[50vh] overflow-y-auto p-1.5">
            {found.map((command, index) => (
              <li
                key={`${command.label} ${command.note ?? ''}`}
                id={`${listId}-${index}`}
                role="option"
                aria-selected={index === chosen}
                className={`flex cursor-pointer justify-between gap-3 rounded-md px-2.5 py-2 ${index === chosen ? 'bg-accent-soft text-accent' : ''}`}
                onPointerMove={() => setChosen(index)}
                onClick={() => run(command)}
              >
                <span className="truncate">{command.label}</span>
                {command.note !== undefined && <span className="font-mono text-xs">{command.note}</span>}
              </li>
            ))}
          </ul>
          {found.length === 0 && <p className="px-4 pb-4 text-muted">{t('Nothing has this name.')}</p>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function useFound(commands: readonly Command[], text: string): readonly Command[] {
  const keys = useApi<Page<KeyRow>>('/keys', { ...useAccountQuery(), q: text, limit: 5 }, { enabled: text.length > 1 });
  const wanted = text.toLowerCase();
  const found = commands.filter(({ label }) => label.toLowerCase().includes(wanted));
  if (/^req_\w+$/.test(text))
    found.unshift({ label: t('Open the request'), note: text, run: () => go(`/requests/${text}`) });
  if (text.length > 1)
    found.push(
      ...(keys.data?.data ?? []).map(({ key_id: id, name, last_four: end }) => ({
        label: t('Requests of {name}', { name }),
        note: `…${end}`,
        run: () => go('/requests', { key: id }),
      })),
    );
  return found;
}
