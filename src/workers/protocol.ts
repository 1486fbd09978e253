import type { ErrorCode } from '../core/errors.ts';

/** Parent to child. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: unknown }
  | { readonly type: 'job'; readonly job: unknown }
  | { readonly type: 'message'; readonly message: unknown }
  | { readonly type: 'cancel' };

/** Child to parent. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'note'; readonly note: unknown }
  | { readonly type: 'done'; readonly result: unknown }
  | JobFailure;

/** How a job failed. With a code it was an `AppError`, whose public parts travel along; without one it is a bug. */
export interface JobFailure {
  readonly type: 'failed';
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly param: string | null;
  readonly detail: string | undefined;
}
