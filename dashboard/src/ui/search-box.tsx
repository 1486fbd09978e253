import { useEffect, useState, type ReactNode } from 'react';

const PAUSE_MS = 250;

/** Searches once somebody has paused in typing. */
export function SearchBox({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const [text, setText] = useState(value);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => onChange(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={({ target }) => setText(target.value)}
      className="min-h-8 w-full rounded-lg border border-line bg-surface px-2.5 sm:w-56"
    />
  );
}
