import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Utterance } from './manifest.ts';
import { reportHtml } from './report-html.ts';
import type { Outcome } from './results-file.ts';
import { evaluateOutcomes } from './score.ts';

const HOSTILE = `"><script>alert(1)</script>&amp;<img src=x onerror='y'>\u0000`;

function page(rows: readonly (readonly [Utterance, Outcome])[]): string {
  const outcomes = new Map(rows.map(([{ id }, outcome]) => [id, outcome]));
  return reportHtml({
    evaluation: evaluateOutcomes(
      rows.map(([utterance]) => utterance),
      outcomes,
    ),
    model: `a/b ${HOSTILE}`,
    engine: HOSTILE,
    interrupted: true,
    throughput: null,
    createdAt: '2026-01-01T00:00:00.000Z',
  });
}

const hostileRows = Array.from({ length: 30 }, (_, index): [Utterance, Outcome] => {
  const id = `${HOSTILE} ${index}`;
  const outcome: Outcome =
    index % 7 === 3
      ? { error: HOSTILE }
      : {
          text: `red ${HOSTILE} words`.repeat(index),
          engine: HOSTILE,
          audioSeconds: index,
          processingSeconds: 1,
          warnings: [HOSTILE],
        };
  return [{ id, audio: id, reference: `blue ${HOSTILE} words`, language: index % 2 === 0 ? 'en' : 'zh' }, outcome];
});

const VOID = new Set(['meta', 'line', 'rect', 'circle']);

/** Every element that begins ends in its order; returns the names that occur. */
function assertWellFormed(html: string): Set<string> {
  const open: string[] = [];
  const names = new Set<string>();
  const body = html.replace(/<style>[\s\S]*?<\/style>/, '').replace(/^<!doctype html>/, '');
  for (const [tag, slash, name = '', attributes = ''] of body.matchAll(
    /<(\/?)([a-z0-9]+)((?:\s+[\w:-]+(?:="[^"<>]*")?)*)\s*\/?>/gi,
  )) {
    names.add(name);
    if (slash === '/') assert.equal(open.pop(), name, tag);
    else if (!VOID.has(name) || (name !== 'meta' && !tag.endsWith('/>'))) open.push(name);
    assert.doesNotMatch(attributes, /\son\w+=/i, tag);
  }
  assert.deepEqual(open, []);
  const texts = body.replace(/<(\/?)([a-z0-9]+)((?:\s+[\w:-]+(?:="[^"<>]*")?)*)\s*\/?>/gi, '');
  assert.doesNotMatch(texts, /[<>]/, 'no loose bracket is left when the tags are gone');
  return names;
}

test('the page is well-formed whatever the texts hold, and runs and loads nothing', () => {
  for (const html of [page(hostileRows), page([])]) {
    const names = assertWellFormed(html);
    for (const name of ['script', 'img', 'link', 'iframe', 'object', 'image', 'use']) assert.ok(!names.has(name), name);
    assert.doesNotMatch(html, /\b(?:src|href)\s*=\s*"|url\(|@import|https?:/i);
    assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
    assert.ok(!html.includes('\u0000'));
    assert.doesNotMatch(html, /NaN|Infinity|undefined/);
  }
});

test('it shows the rates, the plots, the worst with their differences, and what failed', () => {
  const heard = { engine: 'embedded', audioSeconds: 3, processingSeconds: 0.3, warnings: [] };
  const html = page([
    [
      { id: 'a.wav', audio: '/a.wav', reference: 'go forward ten metres', language: 'en' },
      { ...heard, text: 'go for ten meters now' },
    ],
    [
      { id: 'b.wav', audio: '/b.wav', reference: '我还能', language: 'zh' },
      { ...heard, text: '我能' },
    ],
    [{ id: 'c.wav', audio: '/c.wav', reference: 'red', language: 'en' }, { error: 'engine_failed: No.' }],
  ]);
  assert.match(html, /Word error rate<\/p><p class="value">50\.00 %/);
  assert.match(html, /Character error rate<\/p><p class="value">33\.33 %/);
  assert.match(html, /go <del>forward<\/del><ins>for<\/ins> 10 meters <ins>now<\/ins>/);
  assert.match(html, /我<del>还<\/del>能/);
  assert.match(html, /<strong>c\.wav<\/strong> engine_failed: No\./);
  assert.equal(html.match(/<svg /g)?.length, 4);
});
