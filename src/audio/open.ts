import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { FetchError, type FetchErrorKind } from './fetch/fetch-error.ts';
import type { GuardedFetch } from './fetch/guarded-fetch.ts';
import { createGrowingFile, type OpenAudio } from './growing-file.ts';
import { DEFAULT_UPLOAD_LIMITS, readUpload, type UploadLimits } from './upload.ts';

export type { OpenAudio } from './growing-file.ts';

/** Where a call's audio comes from. */
export type AudioSource =
  | { readonly kind: 'url'; readonly url: string }
  /** A `data:audio/…;base64,` URL. */
  | { readonly kind: 'data'; readonly url: string }
  /** A file that the caller sent along; see `receive`. */
  | { readonly kind: 'upload'; readonly audio: OpenAudio }
  /** A file of this machine, which only its operator may name. It is read in place and neither copied nor deleted. */
  | { readonly kind: 'file'; readonly path: string };

export interface AudioOpenerOptions {
  readonly fetch: GuardedFetch;
  readonly temporaryDirectory: string;
  readonly uploadLimits?: Partial<UploadLimits>;
}

export interface AudioOpener {
  /** Judges a source as far as that goes without the network. Throws an `AppError` on `inputs.audio`. */
  check(source: AudioSource): void;
  /**
   * Resolves once the source is accepted; its bytes may still be arriving. Rejects with an `AppError` on `inputs.audio`
   * or with the signal's reason. An abort after that stops the bytes.
   */
  open(source: AudioSource, signal: AbortSignal): Promise<OpenAudio>;
  /**
   * Takes the bytes of an upload as they come, within the limits of a download. Whatever ends it, an `AppError` on `file` or
   * the signal's reason, is told by `complete`.
   */
  receive(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<OpenAudio>;
}

const PARAM = 'inputs.audio';
const UPLOAD_PARAM = 'file';
const DATA_URL_HEADER = /^data:audio\/[a-z0-9!#$&^_.+-]+(?:;[a-z0-9!#$&^_.+-]+=[^;,]*)*;base64,/i;
const DATA_URL_HEADER_CHARACTERS_MAX = 256;

const CODES: Readonly<Record<FetchErrorKind, ErrorCode>> = {
  url_invalid: 'audio_url_invalid',
  url_not_allowed: 'audio_url_not_allowed',
  failed: 'audio_download_failed',
  timeout: 'audio_download_timeout',
  too_large: 'audio_too_large',
};

/** What is said of uploads where the sentence of the code itself speaks of a URL. */
const UPLOAD_MESSAGES: Readonly<Partial<Record<FetchErrorKind, string>>> = {
  failed: 'The upload broke off. Send the whole file.',
  timeout: 'The upload took too long. Send it faster, or send a smaller file.',
};

export function createAudioOpener(options: AudioOpenerOptions): AudioOpener {
  const { fetch: guardedFetch, temporaryDirectory } = options;
  const uploadLimits: UploadLimits = { ...DEFAULT_UPLOAD_LIMITS, ...options.uploadLimits };

  async function openUrl(url: string, signal: AbortSignal): Promise<OpenAudio> {
    const response = await guardedFetch(url, signal).catch(throwAudioError);
    const stop = (): void => response[Symbol.dispose]();
    try {
      if (response.status !== 200) throwAudioError(new FetchError('failed', `status ${response.status}`));
      return await createGrowingFile({
        temporaryDirectory,
        chunks: withAudioErrors(response.body, throwAudioError),
        stop,
      });
    } catch (error) {
      stop();
      throw error;
    }
  }

  async function openData(url: string, signal: AbortSignal): Promise<OpenAudio> {
    signal.throwIfAborted();
    return createGrowingFile({ temporaryDirectory, chunks: [decodeDataUrl(url)], stop() {} });
  }

  async function receive(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<OpenAudio> {
    signal.throwIfAborted();
    const stopped = new AbortController();
    const upload = readUpload(chunks, uploadLimits, AbortSignal.any([signal, stopped.signal]));
    const stop = (): void => stopped.abort();
    return createGrowingFile({ temporaryDirectory, chunks: withAudioErrors(upload, throwUploadError), stop });
  }

  return {
    receive,
    check(source) {
      if (source.kind === 'data') decodeDataUrl(source.url);
      if (source.kind !== 'url') return;
      try {
        guardedFetch.check(source.url);
      } catch (error) {
        throwAudioError(error);
      }
    },
    async open(source, signal) {
      switch (source.kind) {
        case 'url':
          return openUrl(source.url, signal);
        case 'data':
          return openData(source.url, signal);
        case 'upload':
          return source.audio;
        case 'file':
          return openFile(source.path);
      }
    },
  };
}

async function openFile(path: string): Promise<OpenAudio> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile())
    throw new AppError('invalid_parameter', { param: PARAM, message: 'There is no such audio file.' });
  return {
    path: resolve(path),
    bytesAvailable: found.size,
    follow(listener) {
      let following = true;
      queueMicrotask(() => following && listener(found.size, true));
      return () => void (following = false);
    },
    complete: Promise.resolve(),
    async [Symbol.asyncDispose]() {},
  };
}

function decodeDataUrl(url: string): Uint8Array {
  const header = DATA_URL_HEADER.exec(url.slice(0, DATA_URL_HEADER_CHARACTERS_MAX))?.[0];
  const text = header === undefined ? '' : url.slice(header.length);
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is not base64 and minds neither padding nor spare bits; encoding it again shows all of that.
  if (header !== undefined && bytes.toString('base64') === text) return bytes;
  throw new AppError('audio_url_invalid', {
    param: PARAM,
    message: 'The data URL is not `data:audio/…;base64,` with strict base64 after it. Correct it.',
  });
}

async function* withAudioErrors(
  chunks: AsyncIterable<Uint8Array>,
  throwError: (error: unknown) => never,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throwError(error);
  }
}

/** What a caller is told of a refused fetch. An abort's reason and a bug pass as they are. */
function throwAudioError(error: unknown): never {
  if (!(error instanceof FetchError)) throw error;
  throw new AppError(CODES[error.kind], { param: PARAM, detail: error.message, cause: error });
}

function throwUploadError(error: unknown): never {
  if (!(error instanceof FetchError)) throw error;
  const { kind, message: detail } = error;
  const message = UPLOAD_MESSAGES[kind];
  throw new AppError(CODES[kind], {
    param: UPLOAD_PARAM,
    detail,
    cause: error,
    ...(message === undefined ? {} : { message }),
  });
}
