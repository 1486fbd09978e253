import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { ModelsReply, PlaygroundReply, PlaygroundRequest } from '../../../src/http/api/contract.ts';
import { post, postForm } from '../api.ts';
import { useAccount, useAccountQuery, useApi, useMe } from '../query.ts';
import { Button } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { useKeyNames, useOfferedKeys, type OfferedKeys } from '../ui/key-choice.tsx';
import { Link } from '../ui/link.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card, PageHead } from '../ui/page.tsx';
import { t } from '../words/words.ts';
import { hear, type Heard } from './peaks.ts';
import { Result } from './result.tsx';
import { Source, type Chosen } from './source.tsx';

export default function Playground(): ReactNode {
  const me = useMe();
  const account = useAccount();
  return (
    <>
      <PageHead
        title={t('Playground')}
        about={t('A call like any other: it runs with one of your keys, counts against its cap and is charged.')}
      />
      {me.role === 'viewer' ? (
        <Card>
          <Empty title={t('Your role only reads')}>
            {t('A call costs money. Ask an owner of this account to make it.')}
          </Empty>
        </Card>
      ) : (
        <Bench key={account} />
      )}
    </>
  );
}

const wordsOf = (text: string): string[] =>
  text
    .split(/[,\n]/)
    .map((word) => word.trim())
    .filter((word) => word !== '');

interface Options {
  readonly keyId: string;
  readonly model: string;
  readonly language: string;
  readonly prompt: string;
  readonly hotwords: string;
}

function send(chosen: Chosen, options: Options, signal: AbortSignal): Promise<PlaygroundReply> {
  const hotwords = wordsOf(options.hotwords);
  const request: PlaygroundRequest = {
    key_id: options.keyId,
    model: options.model,
    ...(options.language === '' ? {} : { language: options.language }),
    ...(options.prompt === '' ? {} : { prompt: options.prompt }),
    ...(hotwords.length === 0 ? {} : { hotwords }),
  };
  if (chosen.kind === 'url') return post<PlaygroundReply>('/playground', { ...request, audio_url: chosen.url }, signal);
  const form = new FormData();
  for (const [name, value] of Object.entries(request)) {
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
  }
  // The file goes last: the server knows the key and the model by then.
  form.append('file', chosen.file, chosen.file.name);
  return postForm<PlaygroundReply>('/playground', form, signal);
}

/** One call at a time. Its answer is shown beside what it was made of, and beside nothing else. */
function useCall(chosen: Chosen | null) {
  const [answer, setAnswer] = useState<{ reply: PlaygroundReply; of: Chosen } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  function end(): void {
    running.current?.abort();
    running.current = null;
    setBusy(false);
    setAnswer(null);
    setError(null);
  }
  async function run(options: Options): Promise<void> {
    if (chosen === null) return;
    end();
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    try {
      const reply = await send(chosen, options, controller.signal);
      if (!controller.signal.aborted) setAnswer({ reply, of: chosen });
    } catch (refusal) {
      if (!controller.signal.aborted) setError(refusal);
    }
    if (running.current === controller) setBusy(false);
  }
  return { reply: answer?.of === chosen ? (answer?.reply ?? null) : null, error, busy, run, end };
}

function useHeard(chosen: Chosen | null): Heard | null {
  const [heard, setHeard] = useState<{ found: Heard | null; of: Chosen } | null>(null);
  useEffect(() => {
    if (chosen?.kind === 'file') void hear(chosen.file).then((found) => setHeard({ found, of: chosen }));
  }, [chosen]);
  return heard?.of === chosen ? (heard?.found ?? null) : null;
}

function Bench(): ReactNode {
  const offered = useOfferedKeys({ state: 'live', kind: 'wholesale' });
  const models = useApi<ModelsReply>('/models', useAccountQuery());
  const [options, setOptions] = useState<Options>({ keyId: '', model: '', language: '', prompt: '', hotwords: '' });
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const { reply, error, busy, run, end } = useCall(chosen);
  const heard = useHeard(chosen);

  // The key that is shown is the one that is charged: one that is no longer offered is neither.
  const keyId = (offered.rows?.find((key) => key.key_id === options.keyId) ?? offered.rows?.[0])?.key_id ?? '';
  const model =
    options.model === '' ? (models.data?.data.find(({ price }) => price !== null)?.model ?? '') : options.model;

  function choose(next: Chosen | null): void {
    end();
    setChosen(next);
  }

  if (offered.isNone)
    return (
      <Card>
        <Empty title={t('There is no live wholesale key')}>
          <p className="mb-2">{t('A call is charged to a key. Make one with a small cap for trying things out.')}</p>
          <Link to="/keys" query={{ new: '1' }}>
            {t('Create a key')}
          </Link>
        </Empty>
      </Card>
    );
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
      <Card className="space-y-4 p-4">
        <Source chosen={chosen} onChoose={choose} />
        <OptionFields
          options={{ ...options, keyId, model }}
          onChange={setOptions}
          offered={offered}
          models={models.data}
        />
        <div className="flex gap-2">
          <Button
            look="main"
            className="flex-1"
            busy={busy}
            disabled={chosen === null || keyId === ''}
            onClick={() => void run({ ...options, keyId, model })}
          >
            {busy ? t('Listening…') : t('Transcribe')}
          </Button>
          {busy && <Button onClick={end}>{t('Stop')}</Button>}
        </div>
      </Card>
      <div className="min-w-0 space-y-4">
        <ErrorNote error={error} />
        <Result
          chosen={chosen}
          heard={heard}
          reply={reply}
          call={{ model, language: options.language, prompt: options.prompt, hotwords: wordsOf(options.hotwords) }}
          busy={busy}
        />
      </div>
    </div>
  );
}

interface FieldsProperties {
  readonly options: Options;
  readonly onChange: (options: Options) => void;
  readonly offered: OfferedKeys;
  readonly models: ModelsReply | undefined;
}

function OptionFields({ options, onChange, offered, models }: FieldsProperties): ReactNode {
  const set = (change: Partial<Options>): void => onChange({ ...options, ...change });
  const nameOf = useKeyNames();
  return (
    <>
      {offered.search}
      <SelectField
        label={t('Key')}
        hint={t('No secret is needed: it is charged by its name.')}
        value={options.keyId}
        onChange={({ target }) => set({ keyId: target.value })}
      >
        {offered.rows?.map((key) => (
          <option key={key.key_id} value={key.key_id}>
            {nameOf(key)}
          </option>
        ))}
      </SelectField>
      <SelectField label={t('Model')} value={options.model} onChange={({ target }) => set({ model: target.value })}>
        {models?.data.map(({ model, price }) => (
          <option key={model} value={model} disabled={price === null}>
            {model}
          </option>
        ))}
      </SelectField>
      <details className="rounded-lg border border-line">
        <summary className="px-3 py-2 font-medium">{t('Hints')}</summary>
        <div className="space-y-3 border-t border-line p-3">
          <TextField
            label={t('Language')}
            placeholder="en"
            maxLength={2}
            hint={t('ISO 639-1; empty lets the engine find out.')}
            value={options.language}
            onChange={({ target }) => set({ language: target.value.toLowerCase() })}
          />
          <TextField
            label={t('Prompt')}
            maxLength={8_000}
            hint={t('Earlier text as context.')}
            value={options.prompt}
            onChange={({ target }) => set({ prompt: target.value })}
          />
          <TextField
            label={t('Words that may occur')}
            hint={t('With commas between them.')}
            value={options.hotwords}
            onChange={({ target }) => set({ hotwords: target.value })}
          />
        </div>
      </details>
    </>
  );
}
