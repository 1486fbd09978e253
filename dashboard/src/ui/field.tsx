import {
  useId,
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from 'react';
import { ApiError } from '../api.ts';
import { errorText } from '../words/words.ts';

interface Around {
  readonly label: string;
  /** Below the field: what it means, or an example. */
  readonly hint?: ReactNode;
  readonly error?: string | null;
}

function useParts({ hint, error }: Around) {
  const id = useId();
  const isWrong = error !== undefined && error !== null;
  const described = [hint === undefined ? '' : `${id}-hint`, isWrong ? `${id}-error` : ''].join(' ').trim();
  return {
    id,
    field: {
      id,
      'aria-invalid': isWrong,
      ...(described === '' ? {} : { 'aria-describedby': described }),
    },
  };
}

function Frame({ id, label, hint, error, children }: Around & { id: string; children: ReactNode }): ReactNode {
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      {children}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="mt-1 text-xs text-muted">
          {hint}
        </p>
      )}
      {error !== undefined && error !== null && (
        <p id={`${id}-error`} role="alert" className="mt-1 text-xs text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

export function TextField({ label, hint, error, ...rest }: Around & InputHTMLAttributes<HTMLInputElement>): ReactNode {
  const around = { label, ...(hint === undefined ? {} : { hint }), ...(error === undefined ? {} : { error }) };
  const { id, field } = useParts(around);
  return (
    <Frame id={id} {...around}>
      <input {...rest} {...field} className="field" />
    </Frame>
  );
}

export function TextArea({
  label,
  hint,
  error,
  ...rest
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement>): ReactNode {
  const around = { label, ...(hint === undefined ? {} : { hint }), ...(error === undefined ? {} : { error }) };
  const { id, field } = useParts(around);
  return (
    <Frame id={id} {...around}>
      <textarea rows={3} {...rest} {...field} className="field" />
    </Frame>
  );
}

export function SelectField({
  label,
  hint,
  error,
  children,
  ...rest
}: Around & SelectHTMLAttributes<HTMLSelectElement>): ReactNode {
  const around = { label, ...(hint === undefined ? {} : { hint }), ...(error === undefined ? {} : { error }) };
  const { id, field } = useParts(around);
  return (
    <Frame id={id} {...around}>
      <select {...rest} {...field} className="field">
        {children}
      </select>
    </Frame>
  );
}

/** What of a refusal belongs to one of the fields that are named, and what to the form as a whole. */
export function atFields(error: unknown, ...names: readonly string[]) {
  const param = error instanceof ApiError && error.param !== null && names.includes(error.param) ? error.param : null;
  return {
    at: (name: string): string | null => (param === name ? errorText(error) : null),
    rest: param === null ? error : null,
  };
}

/** A filter above a list: its name is inside of it. */
export function Filter({
  label,
  value,
  onChange,
  children,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ReactNode;
}): ReactNode {
  return (
    <label className="flex max-w-full min-w-0 items-center gap-1 overflow-hidden rounded-lg border border-line bg-surface pl-2.5 focus-within:outline-2 focus-within:outline-accent">
      <span className="text-xs whitespace-nowrap text-muted" aria-hidden="true">
        {label}
      </span>
      <select
        aria-label={label}
        className="min-h-8 w-full min-w-0 truncate sm:max-w-48 rounded-lg bg-surface pr-1 text-ink outline-none"
        value={value}
        onChange={({ target }) => onChange(target.value)}
      >
        {children}
      </select>
    </label>
  );
}
