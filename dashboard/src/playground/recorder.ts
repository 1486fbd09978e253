/** The microphone, as a recording that is sent like a file. */
import { useEffect, useRef, useState } from 'react';
import { t } from '../words/words.ts';

/** What browsers write and the server reads. */
const KINDS = [
  ['audio/webm;codecs=opus', 'webm'],
  ['audio/ogg;codecs=opus', 'ogg'],
  ['audio/mp4', 'm4a'],
] as const;

export interface Recorder {
  /** When it began, in milliseconds since 1970; null while it doesn't record. */
  readonly since: number | null;
  readonly error: string | null;
  readonly start: () => void;
  readonly stop: () => void;
}

export function useRecorder(onRecorded: (file: File) => void): Recorder {
  const recorder = useRef<MediaRecorder | null>(null);
  const [since, setSince] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => () => release(recorder.current), []);

  async function start(): Promise<void> {
    setError(null);
    const kind = KINDS.find(([type]) => typeof MediaRecorder !== 'undefined' && MediaRecorder.isTypeSupported(type));
    if (kind === undefined || navigator.mediaDevices === undefined) {
      setError(t('This browser gives pages the microphone over https or on localhost only.'));
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const made = new MediaRecorder(stream, { mimeType: kind[0] });
      const parts: Blob[] = [];
      made.addEventListener('dataavailable', ({ data }) => parts.push(data));
      made.addEventListener('stop', () => {
        release(made);
        setSince(null);
        onRecorded(new File(parts, `recording.${kind[1]}`, { type: kind[0] }));
      });
      made.start();
      recorder.current = made;
      setSince(Date.now());
    } catch {
      setError(t('The microphone was not given. Allow it for this page in the browser, then try again.'));
    }
  }
  return { since, error, start: () => void start(), stop: () => recorder.current?.stop() };
}

function release(recorder: MediaRecorder | null): void {
  for (const track of recorder?.stream.getTracks() ?? []) track.stop();
}
