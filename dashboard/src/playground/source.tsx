import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Cross, Microphone } from '../ui/icons.tsx';
import { useNow } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { useRecorder } from './recorder.ts';
import { showCount, showMoment } from '../format.ts';

/** What is to be transcribed. */
export type Chosen = { readonly kind: 'file'; readonly file: File } | { readonly kind: 'url'; readonly url: string };

interface Properties {
  readonly chosen: Chosen | null;
  readonly onChoose: (chosen: Chosen | null) => void;
}

/** A file that is dropped or chosen, a URL, or the microphone. */
export function Source({ chosen, onChoose }: Properties): ReactNode {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const recorder = useRecorder((file) => onChoose({ kind: 'file', file }));
  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file !== undefined) onChoose({ kind: 'file', file });
  }
  return (
    <div className="space-y-3">
      <div
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={`rounded-lg border border-dashed p-4 text-center ${over ? 'border-accent bg-accent-soft' : 'border-muted/50'}`}
      >
        {chosen?.kind === 'file' ? (
          <p className="flex items-center justify-between gap-2 text-left">
            <span className="min-w-0">
              <span className="block truncate font-medium">{chosen.file.name}</span>
              <span className="text-xs text-muted">{showCount(Math.round(chosen.file.size / 1_000))} kB</span>
            </span>
            <Button look="quiet" small aria-label={t('Take it away')} onClick={() => onChoose(null)}>
              <Cross />
            </Button>
          </p>
        ) : (
          <p className="mb-3 text-muted">{t('Drop a recording here')}</p>
        )}
        <div className="mt-2 flex flex-wrap justify-center gap-2">
          <input
            ref={input}
            type="file"
            accept="audio/*,video/*,.opus,.amr,.caf"
            className="sr-only"
            aria-label={t('Choose a file')}
            tabIndex={-1}
            onChange={({ target }) => {
              const file = target.files?.[0];
              if (file !== undefined) onChoose({ kind: 'file', file });
              target.value = '';
            }}
          />
          <Button small onClick={() => input.current?.click()}>
            {t('Choose a file')}
          </Button>
          <Button
            small
            look={recorder.since === null ? 'plain' : 'danger'}
            onClick={recorder.since === null ? recorder.start : recorder.stop}
          >
            <Microphone />
            {recorder.since === null ? t('Record') : <Recording since={recorder.since} />}
          </Button>
        </div>
        {recorder.error !== null && <p className="mt-2 text-xs text-bad">{recorder.error}</p>}
      </div>
      <input
        type="url"
        aria-label={t('The URL of a recording')}
        placeholder={t('or paste the URL of a recording')}
        className="field"
        value={chosen?.kind === 'url' ? chosen.url : ''}
        onChange={({ target }) =>
          onChoose(target.value.trim() === '' ? null : { kind: 'url', url: target.value.trim() })
        }
      />
    </div>
  );
}

function Recording({ since }: { since: number }): ReactNode {
  const now = useNow(100);
  return <span>{t('Stop, {time}', { time: showMoment(Math.max(0, now - since) / 1_000) })}</span>;
}
