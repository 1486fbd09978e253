/** The embedded engine alone: real weights in real processes, on the recordings of the fixtures. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock, systemWait } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import type { Pcm, Piece } from '../core/pcm.ts';
import { createMoonshineEngine } from '../engines/moonshine/engine.ts';
import { loadMoonshine } from '../engines/moonshine/model.ts';
import { createRegistry } from '../engines/registry.ts';
import { createRetryBudget } from '../engines/retry-budget.ts';
import { watchEngine } from '../engines/watched-engine.ts';
import { createDispatch } from '../recognize/dispatch.ts';
import { createRecognizer } from '../recognize/recognize.ts';
import { createSchedule } from '../recognize/schedule.ts';
import { floatSamples, recordings } from './recordings.ts';
import { wordErrorRate, wordErrors } from './word-error-rate.ts';

const OPTIONS = { outputTokensMax: 1_000 };
const { signal } = new AbortController();

const engine = createMoonshineEngine({ id: 'embedded', workers: 2, log: silentLogger });
after(() => engine.close());
await engine.started;

/** Words wrong and words in all, over all recordings, after a change of the samples. */
async function errorsOverAll(
  change: (samples: Float32Array) => Float32Array,
): Promise<{ rate: number; texts: string }> {
  const results = await Promise.all(
    recordings().map(async ({ name, text }) => {
      const reply = await engine.transcribe(change(floatSamples(name)), OPTIONS, signal);
      return { ...wordErrors(text, reply.text), text: `${name}: ${reply.text}` };
    }),
  );
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  const words = results.reduce((sum, result) => sum + result.words, 0);
  return { rate: errors / words, texts: results.map(({ text }) => text).join('\n') };
}

test('the recordings come out with at most a tenth of their words wrong', async () => {
  const { rate, texts } = await errorsOverAll((samples) => samples);
  assert.ok(rate <= 0.1, `${rate}\n${texts}`);
});

test('recordings turned down by 40 dB to 16 bits keep their word error rate within 0.05', async () => {
  const loud = await errorsOverAll((samples) => samples);
  const quiet = await errorsOverAll((samples) => samples.map((sample) => Math.round(sample * 327.68) / 32_768));
  assert.ok(quiet.rate <= loud.rate + 0.05, `${loud.rate} became ${quiet.rate}\n${quiet.texts}`);
});

test('pieces that share a process have the text that each has alone, to the token', async () => {
  const names = ['sense-leisure', 'seven-of-clubs', 'fabric', 'sense-selfish'];
  const alone = [];
  for (const name of names) alone.push(await engine.transcribe(floatSamples(name), OPTIONS, signal));
  assert.equal(engine.concurrency + (engine.headroom ?? 0), names.length);
  const together = names.map((name) => engine.transcribe(floatSamples(name), OPTIONS, signal));
  assert.deepEqual(await Promise.all(together), alone);
});

for (const name of ['silence', 'noise', 'tone']) {
  test(`${name} gives an empty text of no tokens, at any level`, async () => {
    for (const gain of [1, 0.001]) {
      const samples = floatSamples(name).map((sample) => sample * gain);
      assert.deepEqual(await engine.transcribe(samples, OPTIONS, signal), { text: '', outputTokens: 0 });
    }
  });
}

test('pieces of any short length are transcribed, down to a single sample', async () => {
  const samples = floatSamples('seven-of-clubs');
  for (const length of [1, 127, 894, 895, 1_600, 7_999, 8_000]) {
    const { text } = await engine.transcribe(samples.slice(0, length), OPTIONS, signal);
    assert.equal(typeof text, 'string');
  }
});

test('a text has no more tokens than it may', async () => {
  const samples = floatSamples('sense-leisure');
  const whole = await engine.transcribe(samples, OPTIONS, signal);
  const cut = await engine.transcribe(samples, { outputTokensMax: 5 }, signal);
  assert.ok(whole.outputTokens !== undefined && whole.outputTokens > 20);
  assert.equal(cut.outputTokens, 5);
  assert.ok(whole.text.startsWith(cut.text));
  assert.deepEqual([whole.truncated, cut.truncated], [undefined, true]);
  const none = await engine.transcribe(samples, { outputTokensMax: 0 }, signal);
  assert.deepEqual(none, { text: '', outputTokens: 0, truncated: true });
});

test('an aborted piece ends with the reason of the abort, and the engine goes on', async () => {
  const controller = new AbortController();
  const outcomes = Promise.allSettled(
    [1, 2, 3].map(() => engine.transcribe(floatSamples('fabric'), OPTIONS, controller.signal)),
  );
  controller.abort(new Error('The caller is gone.'));
  for (const outcome of await outcomes) {
    assert.equal(outcome.status === 'rejected' && String(outcome.reason), 'Error: The caller is gone.');
  }
  assert.match((await engine.transcribe(floatSamples('go-forward'), OPTIONS, signal)).text, /forward/i);
});

test('the model looks for an abort between two steps of its decoder', async () => {
  const model = await loadMoonshine();
  const controller = new AbortController();
  const check = controller.signal.throwIfAborted.bind(controller.signal);
  let steps = 0;
  controller.signal.throwIfAborted = () => {
    steps += 1;
    if (steps === 3) controller.abort(new Error('Enough.'));
    check();
  };
  await assert.rejects(model.transcribe(floatSamples('fabric'), 1_000, controller.signal), { message: 'Enough.' });
});

test('the recognizer gives the text of several utterances in order, as one call of several pieces', async () => {
  const pause = 16_000;
  const utterances = recordings().map(({ name, text }) => ({ samples: floatSamples(name), text }));
  const whole = new Float32Array(utterances.reduce((sum, { samples }) => sum + samples.length + pause, 0));
  const pieces: Piece[] = [];
  let start = 0;
  for (const { samples } of utterances) {
    whole.set(samples, start);
    const range = { start, end: start + samples.length };
    pieces.push({ ...range, forcedEnd: false, speech: [range] });
    start = range.end + pause;
  }
  const pcm: Pcm = {
    sampleCount: whole.length,
    durationMs: whole.length / 16,
    read: async (from, to) => whole.slice(from, to),
    async [Symbol.asyncDispose]() {},
  };
  const recognizer = createRecognizer({
    registry: createRegistry({
      models: [{ id: 'glm/glm-asr-2512', engines: [{ embedded: 1 }], audioTokensPerMinute: 80_000 }],
      engines: [watchEngine(engine, systemClock, silentLogger)],
      allowStandIn: true,
    }),
    schedule: createSchedule({ audioSecondsMax: 3_600, clock: systemClock }),
    dispatch: createDispatch({ budget: createRetryBudget(systemClock), wait: systemWait }),
  });
  using place = recognizer.enter('key', pieces);
  const selection = recognizer.select('glm/glm-asr-2512');
  const hints = { language: 'zh', hotwords: ['fabric'] };
  const transcript = await recognizer.recognize(
    { selection, pcm, pieces, hints, userId: null, timestamps: true, outputTokensMax: 1_000, place },
    signal,
  );
  const rate = wordErrorRate(utterances.map(({ text }) => text).join(' '), transcript.text);
  assert.ok(rate <= 0.1, `${rate}: ${transcript.text}`);
  assert.deepEqual([transcript.engine, transcript.engines, transcript.estimated], ['embedded', ['embedded'], false]);
  assert.ok(transcript.outputTokens > 130 && transcript.outputTokens < 300, String(transcript.outputTokens));
  assert.deepEqual(
    transcript.warnings.map(({ code, param }) => [code, param]),
    [
      ['stand_in_engine', 'model'],
      ['language_not_supported', 'inputs.language'],
      ['hotwords_not_supported', 'inputs.hotwords'],
      ['timestamps_from_speech_regions', 'inputs.timestamps'],
    ],
  );
});
