import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { KeyRow, ModelsReply, PlaygroundReply, PlaygroundRequest } from '../../../src/http/api/contract.ts';
import { post, postForm } from '../api.ts';
import { useAccountQuery, useApi, useMe, usePages } from '../query.ts';
import { Button } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { Link } from '../ui/link.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card, PageHead } from '../ui/page.tsx';
import { t } from '../words/words.ts';
import { hear, type Heard } from './peaks.ts';
import { Result } from './result.tsx';
import { Source, type Chosen } from './source.tsx';

export default function Playground(): ReactNode {
  const me = useMe();
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
        <Bench />
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
  if (chosen.kind === 'url') return post<PlaygroundReply>('/playground', { ...request, audio_url: chosen.url });
  const form = new FormData();
  for (const [name, value] of Object.entries(request)) {
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
  }
  // The file goes last: the server knows the key and the model by then.
  form.append('file', chosen.file, chosen.file.name);
  return postForm<PlaygroundReply>('/playground', form, signal);
}

function Bench(): ReactNode {
  const accountQuery = useAccountQuery();
  const keys = usePages<KeyRow>('/keys', { ...accountQuery, state: 'live', kind: 'wholesale', limit: 100 });
  const models = useApi<ModelsReply>('/models', accountQuery);
  const [options, setOptions] = useState<Options>({ keyId: '', model: '', language: '', prompt: '', hotwords: '' });
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [heard, setHeard] = useState<Heard | null>(null);
  const [answer, setAnswer] = useState<{ reply: PlaygroundReply; chosen: Chosen } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => running.current?.abort(), []);

  const keyId = options.keyId === '' ? (keys.rows?.[0]?.key_id ?? '') : options.keyId;
  const model =
    options.model === '' ? (models.data?.data.find(({ price }) => price !== null)?.model ?? '') : options.model;

  function choose(next: Chosen | null): void {
    setChosen(next);
    setAnswer(null);
    setError(null);
    setHeard(null);
    if (next?.kind === 'file') void hear(next.file).then(setHeard);
  }
  async function run(): Promise<void> {
    if (chosen === null) return;
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setError(null);
    setAnswer(null);
    try {
      const reply = await send(chosen, { ...options, keyId, model }, controller.signal);
      setAnswer({ reply, chosen });
    } catch (refusal) {
      if (!controller.signal.aborted) setError(refusal);
    }
    setBusy(false);
  }

  if (keys.rows?.length === 0)
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
          keys={keys.rows ?? []}
          models={models.data}
        />
        <div className="flex gap-2">
          <Button
            look="main"
            className="flex-1"
            busy={busy}
            disabled={chosen === null || keyId === ''}
            onClick={() => void run()}
          >
            {busy ? t('Listening…') : t('Transcribe')}
          </Button>
          {busy && <Button onClick={() => running.current?.abort()}>{t('Stop')}</Button>}
        </div>
      </Card>
      <div className="min-w-0 space-y-4">
        <ErrorNote error={error} />
        <Result
          chosen={chosen}
          heard={heard}
          reply={answer?.reply ?? null}
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
  readonly keys: readonly KeyRow[];
  readonly models: ModelsReply | undefined;
}

function OptionFields({ options, onChange, keys, models }: FieldsProperties): ReactNode {
  const set = (change: Partial<Options>): void => onChange({ ...options, ...change });
  return (
    <>
      <SelectField
        label={t('Key')}
        hint={t('No secret is needed: it is charged by its name.')}
        value={options.keyId}
        onChange={({ target }) => set({ keyId: target.value })}
      >
        {keys.map((key) => (
          <option key={key.key_id} value={key.key_id}>
            {key.name} (…{key.last_four})
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
