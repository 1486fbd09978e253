/** Asking an engine once and looking at why it gave no text. */
import assert from 'node:assert/strict';
import { ERRORS } from '../core/errors.ts';
import { EngineError, type Engine } from '../engines/contract.ts';
import { floatSamples } from './recordings.ts';

export async function failureOf(engine: Engine): Promise<EngineError> {
  const outcome = engine.transcribe(floatSamples('go-forward'), { outputTokensMax: 100 }, new AbortController().signal);
  const error: unknown = await outcome.then(
    ({ text }) => assert.fail(`It gave the text "${text}".`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, String(error));
  // What callers see is the sentence of the table: nothing that a vendor said, and no status of a vendor's.
  assert.equal(error.message, ERRORS[error.code].message);
  assert.ok([502, 503, 504].includes(error.status));
  return error;
}
