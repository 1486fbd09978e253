/** English is written where it is shown; every sentence of it is a key of the Chinese list, which the compiler checks. */
import type { ReactNode } from 'react';
import { ApiError } from '../api.ts';
import type errors from './zh-errors.ts';
import type zh from './zh.ts';

export type Sentence = keyof typeof zh;
export type Language = 'en' | 'zh-CN';

const KEPT_AS = 'earshot-language';
let current: Language = 'en';
let chinese: typeof zh | null = null;
let said: typeof errors | null = null;

export function language(): Language {
  return current;
}

/** How numbers and times are written: as in the viewer's own country, where that speaks the language of the page. */
export function locale(): string {
  return navigator.languages.find((one) => one.slice(0, 2) === current.slice(0, 2)) ?? current;
}

/** The one that was chosen here, or else the browser's. */
export async function loadWords(): Promise<void> {
  const kept = localStorage.getItem(KEPT_AS);
  current = (kept ?? navigator.language).toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
  if (current === 'zh-CN') {
    chinese = (await import('./zh.ts')).default;
    said = (await import('./zh-errors.ts')).default;
  }
  document.documentElement.lang = current;
}

export function chooseLanguage(chosen: Language): void {
  localStorage.setItem(KEPT_AS, chosen);
  location.reload();
}

/** A sentence in the language of the page; `{name}` is replaced. */
export function t(sentence: Sentence, values: Readonly<Record<string, string | number>> = {}): string {
  return filled(chinese?.[sentence] ?? sentence, values);
}

function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** What went wrong and what to do, for people. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) return refusalText(error);
  return error instanceof Error ? error.message : String(error);
}

function refusalText({ code, message, param, status, retryAfterSeconds: seconds }: ApiError): string {
  if (said === null) return message;
  const exact = said.messages[message];
  if (exact !== undefined) return exact;
  if (code === 'rate_limited' && seconds !== null) return filled(said.wait, { seconds });
  // What stood in the way is in the server's sentence alone.
  if (code === 'conflict') return `${codeText(code, message)}（${message}）`;
  return codeText(code, message, { status, ...(param === null ? {} : { param: `“${param}”` }) });
}

/** What a code means, where the page is not in English; `message` is what the server said of it. */
export function codeText(
  code: string | null,
  message: string,
  values: Readonly<Record<string, string | number>> = {},
): string {
  const codes: Readonly<Record<string, string>> = said?.codes ?? {};
  return filled(codes[code ?? ''] ?? message, { param: '某个参数', ...values });
}

export function warningText(code: string, message = ''): string {
  const warnings: Readonly<Record<string, string>> = said?.warnings ?? {};
  return warnings[code] ?? message;
}

export type Words = ReactNode;
