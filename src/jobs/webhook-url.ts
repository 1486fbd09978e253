import { FetchError, type FetchErrorKind } from '../audio/fetch/fetch-error.ts';
import type { GuardedFetch } from '../audio/fetch/guarded-fetch.ts';
import { AppError } from '../core/errors.ts';

const MESSAGES: Readonly<Partial<Record<FetchErrorKind, string>>> = {
  url_invalid: 'The parameter "webhook_url" cannot be read as an http or https URL of at most 2,048 characters.',
  url_not_allowed:
    'The parameter "webhook_url" points to an address that is not allowed. Use a public http or https URL on its default port.',
};

/** Throws `invalid_parameter` for a URL that no webhook may be sent to; its addresses are judged when one is sent. */
export function checkWebhookUrl(guardedFetch: Pick<GuardedFetch, 'check'>, url: string): void {
  try {
    guardedFetch.check(url);
  } catch (error) {
    const message = error instanceof FetchError ? MESSAGES[error.kind] : undefined;
    if (message === undefined) throw error;
    throw new AppError('invalid_parameter', { param: 'webhook_url', message, cause: error });
  }
}
