import type { ErrorCode } from '../core/errors.ts';

/** Parent to child. The parent numbers its jobs. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: unknown }
  | { readonly type: 'job'; readonly id: number; readonly job: unknown }
  | { readonly type: 'message'; readonly id: number; readonly message: unknown }
  | { readonly type: 'cancel'; readonly id: number };

/** Child to parent. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'note'; readonly id: number; readonly note: unknown }
  | { readonly type: 'done'; readonly id: number; readonly result: unknown }
  | JobFailure;

/** How a job failed. With a code it was an `AppError`, whose public parts travel along; without one it is a bug. */
export interface JobFailure {
  readonly type: 'failed';
  readonly id: number;
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly param: string | null;
  readonly detail: string | undefined;
}
