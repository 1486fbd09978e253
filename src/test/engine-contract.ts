/** What every engine promises (`engines/contract.ts`), as one suite that each of them passes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../engines/contract.ts';
import { floatSamples, recordings } from './recordings.ts';
import { wordErrorRate, wordErrors } from './word-error-rate.ts';

export interface EngineUnderTest extends AsyncDisposable {
  readonly engine: Engine;
  /** Whether `outputTokensMax` bounds its text; some vendors have no such setting. */
  readonly boundsOutput: boolean;
  /** The next call does not end by itself; nothing for an engine whose calls take a while anyway. */
  stall(): void;
  /** Resolves once it works on the call that was made after `stall`. */
  begun(): Promise<void>;
  /** Resolves once nothing is being worked on. */
  idle(): Promise<void>;
  /** The most pieces that were worked on at the same time; null where nobody counts them. */
  inFlightMost(): number | null;
}

const OPTIONS = { outputTokensMax: 1_000 };
const ERROR_RATE_MAX = 0.1;
/** An abort is answered "soon": far sooner than the piece would take, even on a crowded machine. */
const SOON_MS = 5_000;

export function testEngineContract(name: string, open: () => Promise<EngineUnderTest>): void {
  test(`${name} keeps the contract of engines`, async (t) => {
    await using under = await open();
    const { engine } = under;
    const { signal } = new AbortController();

    await t.test('says what it can, and is ready', () => {
      assert.ok(engine.capabilities.pieceSecondsMax > 0 && engine.capabilities.pieceSecondsMax <= 30);
      assert.ok(Number.isInteger(engine.concurrency) && engine.concurrency >= 1);
      assert.equal(engine.ready(), true);
    });

    await t.test('gives the text of a real recording, trimmed, with tokens where it counts them', async () => {
      const { text } = recordings().find((recording) => recording.name === 'sense-amiable') ?? { text: '' };
      const reply = await engine.transcribe(floatSamples('sense-amiable'), OPTIONS, signal);
      assert.ok(wordErrorRate(text, reply.text) <= ERROR_RATE_MAX, reply.text);
      assert.equal(reply.text, reply.text.trim());
      assert.equal(reply.truncated ?? false, false);
      if (engine.capabilities.tokenCounts) assert.ok((reply.outputTokens ?? 0) > 0);
    });

    await t.test('gives an empty text for silence, and takes a piece of a single sample', async () => {
      assert.equal((await engine.transcribe(floatSamples('silence'), OPTIONS, signal)).text, '');
      assert.equal((await engine.transcribe(new Float32Array(1), OPTIONS, signal)).text, '');
    });

    await t.test('takes hints, those too that it cannot use', async () => {
      const hints = { language: 'en', prompt: 'Before.', hotwords: ['Dashwood'], userId: 'user-1' };
      const reply = await engine.transcribe(floatSamples('sense-amiable'), { ...OPTIONS, ...hints }, signal);
      assert.match(reply.text, /amiable/i);
    });

    await t.test('takes the longest piece that it says, and no longer one', async () => {
      const samplesMax = engine.capabilities.pieceSecondsMax * 16_000;
      assert.equal((await engine.transcribe(new Float32Array(samplesMax), OPTIONS, signal)).text, '');
      await assert.rejects(engine.transcribe(new Float32Array(samplesMax + 1), OPTIONS, signal), /no piece is longer/);
    });

    await t.test('writes no more tokens than it may, and none at all where none are allowed', async () => {
      const none = await engine.transcribe(floatSamples('sense-amiable'), { outputTokensMax: 0 }, signal);
      assert.deepEqual([none.text, none.outputTokens], ['', 0]);
      if (!under.boundsOutput) return;
      const cut = await engine.transcribe(floatSamples('sense-amiable'), { outputTokensMax: 3 }, signal);
      assert.equal(cut.outputTokens, 3);
      assert.ok(cut.text.length > 0 && cut.text.length < 'He might even have been made'.length, cut.text);
    });

    await t.test('gives every text of many pieces at once, and works on no more than it says', async () => {
      const wanted = [...recordings(), ...recordings()];
      const queue = wanted.entries();
      const texts: string[] = [];
      const work = async (): Promise<void> => {
        for (const [index, recording] of queue) {
          texts[index] = (await engine.transcribe(floatSamples(recording.name), OPTIONS, signal)).text;
        }
      };
      const atOnce = engine.concurrency + (engine.headroom ?? 0);
      await Promise.all(Array.from({ length: atOnce }, work));
      const counts = wanted.map(({ text }, index) => wordErrors(text, texts[index] ?? ''));
      const [errors, words] = [
        counts.reduce((sum, count) => sum + count.errors, 0),
        counts.reduce((sum, count) => sum + count.words, 0),
      ];
      assert.ok(errors / words <= ERROR_RATE_MAX, texts.join('\n'));
      assert.ok((under.inFlightMost() ?? 0) <= atOnce);
    });

    await t.test('an abort before the call rejects with its reason', async () => {
      const reason = new Error('Gone before.');
      await assert.rejects(
        engine.transcribe(floatSamples('fabric'), OPTIONS, AbortSignal.abort(reason)),
        (error) => error === reason,
      );
      await under.idle();
    });

    await t.test('an abort in the middle rejects soon with its reason, and leaves nothing running', async () => {
      const [controller, reason] = [new AbortController(), new Error('Gone in the middle.')];
      under.stall();
      const call = engine.transcribe(floatSamples('fabric'), OPTIONS, controller.signal);
      await under.begun();
      const before = performance.now();
      controller.abort(reason);
      await assert.rejects(call, (error) => error === reason);
      assert.ok(performance.now() - before < SOON_MS);
      await under.idle();
      assert.match((await engine.transcribe(floatSamples('go-forward'), OPTIONS, signal)).text, /forward/i);
    });

    await t.test('once it is closed, what was running has ended and it takes nothing more', async () => {
      under.stall();
      const call = engine.transcribe(floatSamples('fabric'), OPTIONS, signal);
      const ended = assert.rejects(call);
      await under.begun();
      await engine.close();
      await ended;
      await under.idle();
      assert.equal(engine.ready(), false);
      await assert.rejects(engine.transcribe(floatSamples('go-forward'), OPTIONS, signal));
    });
  });
}
