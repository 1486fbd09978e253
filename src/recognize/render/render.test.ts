import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as captions from 'media-captions';
import type { TranscriptSegment } from '../../core/transcript.ts';
import { columnsOf, cuesOf, LINE_COLUMNS_MAX } from './cues.ts';
import { render, type Format, type Rendering } from './render.ts';

/** The package's types don't resolve for this kind of module. */
const { parseText } = captions as unknown as {
  parseText(
    this: void,
    text: string,
    options: { type: 'srt' | 'vtt'; strict: boolean; errors: boolean },
  ): Promise<{ cues: { startTime: number; endTime: number; text: string }[]; errors: Error[] }>;
};

const NOTHING: Rendering = {
  transcript: { text: '', segments: [] },
  durationSeconds: 2,
  language: null,
  members: {},
};

function rendered(format: Format, ...segments: TranscriptSegment[]): string {
  const text = segments.map((segment) => segment.text).join(' ');
  return render(format, { ...NOTHING, transcript: { text, segments } });
}

const SPOKEN = [
  { start: 0.5, end: 2, text: 'Go forward ten meters.' },
  { start: 2.25, end: 3_723.004, text: 'Q&A: 1 < 2, a --> b' },
];

test('SubRip: numbered cues, commas in times, no arrow within a text', () => {
  assert.equal(
    rendered('srt', ...SPOKEN.slice(0, 1), { start: 3_721.5, end: 3_723.004, text: 'a --> b & c' }),
    '1\n00:00:00,500 --> 00:00:02,000\nGo forward ten meters.\n\n2\n01:02:01,500 --> 01:02:03,004\na → b & c\n',
  );
});

test('WebVTT: header, points in times, everything escaped', () => {
  assert.equal(
    rendered('vtt', { start: 3_721.5, end: 3_723.004, text: 'Q&A: 1 < 2, a --> b' }),
    'WEBVTT\n\n01:02:01.500 --> 01:02:03.004\nQ&amp;A: 1 &lt; 2, a --&gt; b\n',
  );
});

test('hours go on past a day and past a hundred', () => {
  assert.match(rendered('vtt', { start: 90_000, end: 90_001, text: 'a' }), /^25:00:00\.000 --> 25:00:01\.000$/m);
  assert.match(rendered('srt', { start: 360_000, end: 360_001, text: 'a' }), /^100:00:00,000 --> 100:00:01,000$/m);
});

test('an empty transcript is an empty file of its kind', () => {
  assert.deepEqual(
    (['text', 'srt', 'vtt', 'json'] as const).map((format) => rendered(format)),
    ['', '', 'WEBVTT\n', '{"text":""}'],
  );
});

test('verbose_json has the shape of OpenAI, with the further members behind it', () => {
  const [first] = SPOKEN;
  assert.ok(first !== undefined);
  const body = render('verbose_json', {
    transcript: { text: first.text, segments: [first] },
    durationSeconds: 2.5,
    language: 'en',
    members: { usage: { type: 'duration', seconds: 3 } },
  });
  const { segments, ...rest } = JSON.parse(body);
  assert.deepEqual(rest, {
    task: 'transcribe',
    language: 'english',
    duration: 2.5,
    text: 'Go forward ten meters.',
    usage: { type: 'duration', seconds: 3 },
  });
  const { compression_ratio: ratio, ...segment } = segments[0];
  assert.deepEqual(segment, {
    id: 0,
    seek: 50,
    start: 0.5,
    end: 2,
    text: 'Go forward ten meters.',
    tokens: [],
    temperature: 0,
    avg_logprob: 0,
    no_speech_prob: 0,
  });
  assert.ok(ratio > 0.5 && ratio < 1, String(ratio));
});

test('the compression ratio of a loop is high', () => {
  const [segment] = JSON.parse(rendered('verbose_json', { start: 0, end: 5, text: 'Thank you. '.repeat(20) })).segments;
  assert.ok(segment.compression_ratio > 5);
});

test('a wide character takes two columns, a combining mark none', () => {
  assert.deepEqual(
    ['abc', '你好', 'ｱ', 'é', 'e\u0301', '한국', '😀', '👨‍👩‍👧', 'สวัสดี'].map(columnsOf),
    [3, 4, 1, 1, 1, 4, 2, 2, 4],
  );
});

test('a long sentence goes into cues of two lines, which share its time by their letters', () => {
  const text =
    'The library opens early in the morning, and the children come to read stories about ships and distant islands, and they stay.';
  const cues = cuesOf([{ start: 10, end: 18, text }]);
  assert.deepEqual(
    cues.map(({ lines }) => lines),
    [
      ['The library opens early in the morning,', 'and the children come to'],
      ['read stories about ships and distant', 'islands, and they stay.'],
    ],
  );
  assert.deepEqual([cues[0]?.startMs, cues[1]?.startMs, cues[1]?.endMs], [10_000, cues[0]?.endMs, 18_000]);
});

test('few words over a long time are shown for seven seconds at most', () => {
  assert.deepEqual(cuesOf([{ start: 0, end: 30, text: 'Oh' }]), [{ startMs: 0, endMs: 7_000, lines: ['Oh'] }]);
});

const word = fc.oneof(
  fc.constantFrom(
    'a',
    '-->',
    '<b>',
    '&amp;',
    '{\\an8}',
    '你好世界。',
    'WEBVTT',
    'NOTE',
    '1',
    '00:00:01.000',
    '\n\n',
    '\r',
    '\0',
    '😀',
    'é',
    'ｆｕｌｌ',
  ),
  fc.stringMatching(/^[a-z]{1,60}$/),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);
const anySegments = fc
  .array(
    fc.record({
      pauseMs: fc.integer({ min: 0, max: 40_000 }),
      lengthMs: fc.integer({ min: 1, max: 40_000 }),
      text: fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(' ')),
    }),
    { maxLength: 6 },
  )
  .map((parts) => {
    let ms = 0;
    return parts.map(({ pauseMs, lengthMs, text }) => {
      const startMs = ms + pauseMs;
      ms = startMs + lengthMs;
      return { start: startMs / 1000, end: ms / 1000, text };
    });
  });

test('no line is wider than its limit, no cue is empty, has more than two lines, or reaches into the next', () => {
  const check = (segments: readonly TranscriptSegment[]): void => {
    let lastMs = 0;
    for (const { startMs, endMs, lines } of cuesOf(segments)) {
      assert.ok(lastMs <= startMs && startMs < endMs && endMs <= startMs + 7_001, `${lastMs} ${startMs} ${endMs}`);
      lastMs = endMs;
      assert.ok(lines.length === 1 || lines.length === 2);
      for (const line of lines)
        assert.ok(line.trim() !== '' && columnsOf(line) <= LINE_COLUMNS_MAX, JSON.stringify(line));
    }
  };
  fc.assert(fc.property(anySegments, check), { seed: 12, numRuns: 300 });
});

for (const format of ['srt', 'vtt'] as const) {
  test(`another's parser reads from ${format} every cue, its times and its whole text`, async () => {
    const check = async (segments: readonly TranscriptSegment[]): Promise<void> => {
      const body = render(format, { ...NOTHING, transcript: { text: '', segments } });
      assert.doesNotMatch(body, /\r|\n\n\n/);
      const { cues, errors } = await parseText(body, { type: format, strict: true, errors: true });
      assert.deepEqual(errors, []);
      const expected = cuesOf(segments);
      assert.deepEqual(
        cues.map((cue) => [Math.round(cue.startTime * 1000), Math.round(cue.endTime * 1000), textOf(cue)]),
        expected.map(({ startMs, endMs, lines }) => [
          startMs,
          endMs,
          lines.join('\n').replaceAll('-->', format === 'srt' ? '→' : '-->'),
        ]),
      );
      const shown = expected.flatMap(({ lines }) => lines).join('');
      assert.equal(plain(shown), plain(segments.map(({ text }) => text).join('')));
    };
    await fc.assert(fc.asyncProperty(anySegments, check), { seed: 13, numRuns: 200 });
  });

  function textOf({ text }: { text: string }): string {
    return format === 'srt' ? text : text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  }
}

function plain(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, '');
}
