import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { PlaygroundReply } from '../../../src/http/api/contract.ts';
import { showCount, showMoment, showMs, showSeconds } from '../format.ts';
import { useMe } from '../query.ts';
import { Button } from '../ui/button.tsx';
import { CodeBlock, CopyButton } from '../ui/copy.tsx';
import { Down, Pause, Play } from '../ui/icons.tsx';
import { Link } from '../ui/link.tsx';
import { Mark } from '../ui/marks.tsx';
import { Empty } from '../ui/notes.tsx';
import { Card, Figure } from '../ui/page.tsx';
import { Money } from '../ui/values.tsx';
import { t, warningText } from '../words/words.ts';
import type { Heard } from './peaks.ts';
import { snippetsFor, type CallShown } from './snippets.ts';
import type { Chosen } from './source.tsx';
import { Waveform } from './waveform.tsx';

interface Properties {
  readonly chosen: Chosen | null;
  readonly heard: Heard | null;
  readonly reply: PlaygroundReply | null;
  readonly call: Omit<CallShown, 'base' | 'source'>;
  readonly busy: boolean;
}

export function Result({ chosen, heard, reply, call, busy }: Properties): ReactNode {
  if (chosen === null)
    return (
      <Card>
        <Empty title={t('Nothing to listen to yet')}>
          {t(
            'Drop a file, paste a URL or record yourself: you see the speech that was found, the text with its times, and what it cost.',
          )}
        </Empty>
      </Card>
    );
  return (
    <>
      <Listened key={reply?.request_id ?? 'none'} chosen={chosen} heard={heard} reply={reply} busy={busy} />
      <SameCall chosen={chosen} call={call} />
    </>
  );
}

function Listened({ chosen, heard, reply, busy }: Omit<Properties, 'chosen' | 'call'> & { chosen: Chosen }): ReactNode {
  const audio = useRef<HTMLAudioElement>(null);
  const [at, setAt] = useState(0);
  const [plays, setPlays] = useState(false);
  const wav = reply?.wav ?? null;
  const fetched = useMemo(() => (wav === null ? null : wavFile(wav)), [wav]);
  const source = useBlobUrl(chosen.kind === 'file' ? chosen.file : fetched);
  const duration = reply?.duration_seconds ?? heard?.duration ?? 0;
  useFollow(audio, plays, setAt);
  const seek = (seconds: number): void => {
    if (audio.current !== null) audio.current.currentTime = seconds;
    setAt(seconds);
  };
  return (
    <Card>
      <div className="p-4">
        {duration > 0 ? (
          <Waveform
            peaks={reply?.peaks ?? heard?.peaks ?? null}
            pieces={reply?.pieces ?? NONE}
            duration={duration}
            at={at}
            onSeek={source === null ? null : seek}
          />
        ) : (
          <div className="grid h-28 place-items-center rounded bg-raised text-muted">
            {busy ? t('Listening…') : t('The waveform comes with the answer.')}
          </div>
        )}
        <div className="mt-2 flex items-center gap-3">
          {source !== null && (
            <>
              <audio
                ref={audio}
                src={source}
                preload="metadata"
                onPlay={() => setPlays(true)}
                onPause={() => setPlays(false)}
                onEnded={() => setPlays(false)}
              />
              <Button
                small
                aria-label={plays ? t('Pause') : t('Play')}
                onClick={() => void (plays ? audio.current?.pause() : audio.current?.play())}
              >
                {plays ? <Pause /> : <Play />}
              </Button>
            </>
          )}
          <span className="text-muted">
            {source === null ? '' : `${showMoment(at)} / `}
            {showMoment(duration)}
          </span>
          {reply !== null && (
            <span className="ml-auto text-xs text-muted">
              {t('Pieces of speech: {count}', { count: reply.pieces.length })}
            </span>
          )}
        </div>
      </div>
      {reply !== null && <Answer reply={reply} at={at} plays={plays} onSeek={source === null ? null : seek} />}
    </Card>
  );
}

const NONE: PlaygroundReply['pieces'] = [];

function wavFile(base64: string): Blob {
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: 'audio/wav' });
}

function useBlobUrl(file: Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (file === null) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => {
      URL.revokeObjectURL(made);
      setUrl(null);
    };
  }, [file]);
  return url;
}

/** The element itself tells its place only four times a second. */
function useFollow(audio: { current: HTMLAudioElement | null }, plays: boolean, setAt: (at: number) => void): void {
  useEffect(() => {
    if (!plays) return undefined;
    let frame = requestAnimationFrame(function follow() {
      setAt(audio.current?.currentTime ?? 0);
      frame = requestAnimationFrame(follow);
    });
    return () => cancelAnimationFrame(frame);
  }, [audio, plays, setAt]);
}

interface AnswerProperties {
  readonly reply: PlaygroundReply;
  readonly at: number;
  readonly plays: boolean;
  readonly onSeek: ((seconds: number) => void) | null;
}

function Answer({ reply, at, plays, onSeek }: AnswerProperties): ReactNode {
  return (
    <>
      <dl className="grid grid-cols-2 border-t border-line sm:grid-cols-3 2xl:grid-cols-5">
        <Figure name={t('Cost')}>
          <Money usd={reply.cost_usd} />
        </Figure>
        <Figure
          name={t('Took')}
          note={t('{times} × real time', {
            times: (reply.duration_seconds / Math.max(0.001, reply.took_ms / 1_000)).toFixed(1),
          })}
        >
          {showMs(reply.took_ms)}
        </Figure>
        <Figure name={t('Audio')}>{showSeconds(reply.duration_seconds)}</Figure>
        <Figure name={t('Tokens')}>{showCount(reply.input_tokens + reply.output_tokens)}</Figure>
        <Figure name={t('Engine')} note={<Link to={`/requests/${reply.request_id}`}>{t('its arithmetic')}</Link>}>
          {reply.engine}
        </Figure>
      </dl>
      {reply.warnings.length > 0 && (
        <ul className="space-y-1 px-4 pb-3">
          {reply.warnings.map((warning) => (
            <li
              key={`${warning.code} ${warningText(warning.code, warning.message)}`}
              className="flex flex-wrap items-baseline gap-2 text-warn"
            >
              <Mark tone="warn">{warning.code}</Mark> {warning.message}
            </li>
          ))}
        </ul>
      )}
      <div className="border-t border-line p-4">
        <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
          <h2 className="font-semibold">{t('Text')}</h2>
          <div className="flex flex-wrap gap-1.5">
            <CopyButton text={reply.text} />
            <Keep name="srt" text={reply.srt} type="application/x-subrip" id={reply.request_id} />
            <Keep name="vtt" text={reply.vtt} type="text/vtt" id={reply.request_id} />
            <Keep
              name="json"
              text={JSON.stringify(reply.json, null, 2)}
              type="application/json"
              id={reply.request_id}
            />
          </div>
        </div>
        <Segments reply={reply} at={at} plays={plays} onSeek={onSeek} />
      </div>
    </>
  );
}

function Segments({ reply, at, plays, onSeek }: AnswerProperties): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const current = reply.segments.findIndex(({ start, end }) => at >= start && at < end);
  useEffect(() => {
    if (!plays || current < 0) return;
    list.current?.children[current]?.scrollIntoView({ block: 'nearest' });
  }, [plays, current]);
  if (reply.text === '')
    return (
      <p className="text-muted">
        {t('No speech was found. Silence gives an empty text, and is charged for its audio.')}
      </p>
    );
  if (reply.segments.length === 0) return <p className="text-base leading-relaxed">{reply.text}</p>;
  return (
    <ol ref={list} className="max-h-96 overflow-y-auto" tabIndex={0} aria-label={t('Text')}>
      {reply.segments.map((segment, index) => (
        <li
          key={`${segment.start} ${index}`}
          aria-current={index === current}
          className={`grid grid-cols-[5rem_minmax(0,1fr)] gap-3 rounded-md px-2 py-1.5 ${index === current ? 'bg-accent-soft' : ''}`}
        >
          {onSeek === null ? (
            <span className="text-muted">{showMoment(segment.start)}</span>
          ) : (
            <button
              type="button"
              className="text-left text-accent hover:underline"
              aria-label={t('Play from {time}', { time: showMoment(segment.start) })}
              onClick={() => onSeek(segment.start)}
            >
              {showMoment(segment.start)}
            </button>
          )}
          <span className="leading-relaxed">{segment.text}</span>
        </li>
      ))}
    </ol>
  );
}

/** A file of one's own: it is made in the page. */
function Keep({ name, text, type, id }: { name: string; text: string; type: string; id: string }): ReactNode {
  function keep(): void {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${id}.${name}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
  return (
    <Button small onClick={keep} aria-label={t('Download as {format}', { format: name })}>
      <Down /> {name}
    </Button>
  );
}

function SameCall({ chosen, call }: { chosen: Chosen; call: Properties['call'] }): ReactNode {
  const me = useMe();
  const [name, setName] = useState('curl');
  const source =
    chosen.kind === 'url'
      ? { kind: 'url' as const, url: chosen.url }
      : { kind: 'file' as const, name: chosen.file.name };
  const snippets = snippetsFor({ ...call, base: me.public_url, source });
  const shown = snippets.find((snippet) => snippet.name === name);
  return (
    <Card title={t('The same call')} about={t('Put a key into EARSHOT_KEY first.')}>
      <div className="space-y-3 p-4">
        <div role="group" aria-label={t('The same call')} className="flex flex-wrap gap-1.5">
          {snippets.map((snippet) => (
            <Button
              key={snippet.name}
              small
              look={snippet.name === name ? 'main' : 'plain'}
              aria-pressed={snippet.name === name}
              onClick={() => setName(snippet.name)}
            >
              {snippet.name}
            </Button>
          ))}
        </div>
        {shown !== undefined && <CodeBlock label={shown.name} text={shown.text} />}
      </div>
    </Card>
  );
}
