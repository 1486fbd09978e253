import { useState, type ReactNode } from 'react';
import { t } from '../words/words.ts';
import { Button } from './button.tsx';
import { Check, Copy } from './icons.tsx';

export function CopyButton({
  text,
  label,
  look = 'plain',
}: {
  text: string;
  label?: string;
  look?: 'plain' | 'main';
}): ReactNode {
  const [copied, setCopied] = useState(false);
  function copy(): void {
    void copyText(text).then((done) => {
      setCopied(done);
      setTimeout(() => setCopied(false), 2_000);
    });
  }
  return (
    <Button small look={look} onClick={copy}>
      {copied ? <Check /> : <Copy />}
      <span aria-live="polite">{copied ? t('Copied') : (label ?? t('Copy'))}</span>
    </Button>
  );
}

/** A page without https has no clipboard of the newer kind. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    (document.querySelector('[role=dialog]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** Something to copy: code, or a secret that is shown once. */
export function CodeBlock({ text, label, copy }: { text: string; label: string; copy?: string }): ReactNode {
  return (
    <figure className="overflow-hidden rounded-lg border border-line bg-raised">
      <figcaption className="flex items-center justify-between gap-2 border-b border-line py-1 pr-1 pl-3 text-xs text-muted">
        {label}
        <CopyButton text={text} {...(copy === undefined ? {} : { label: copy })} />
      </figcaption>
      <pre tabIndex={0} aria-label={label} className="max-h-80 overflow-auto p-3 font-mono text-xs leading-relaxed">
        {text}
      </pre>
    </figure>
  );
}
