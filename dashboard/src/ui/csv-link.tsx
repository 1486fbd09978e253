import { useState, type MouseEvent, type ReactNode } from 'react';
import { addressOf, getFile, type Asked } from '../api.ts';
import { buttonClass } from './button.tsx';
import { Down } from './icons.tsx';
import { ErrorNote } from './notes.tsx';

const KEPT_MS = 60_000;

/** A table as a file. The page fetches it itself, so that a session that has ended is asked for like anywhere else. */
export function CsvLink({ path, query }: { path: string; query: Asked }): ReactNode {
  const [error, setError] = useState<unknown>(null);
  function follow(event: MouseEvent): void {
    event.preventDefault();
    setError(null);
    getFile(path, query).then(save, setError);
  }
  return (
    <>
      <a className={`${buttonClass('plain')} no-print`} href={addressOf(path, query)} download onClick={follow}>
        <Down /> CSV
      </a>
      <ErrorNote error={error} />
    </>
  );
}

function save({ name, blob }: { name: string; blob: Blob }): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
