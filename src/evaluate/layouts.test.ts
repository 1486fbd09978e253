/** Small trees in the layouts of the test sets that people have, built from the fixtures. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { readUtterances } from './layouts.ts';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/audio');
const root = mkdtempSync(join(tmpdir(), 'earshot-layouts-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A folder with files: a text, or the name of a fixture after `@`. */
function tree(name: string, files: Readonly<Record<string, string>>): string {
  for (const [path, content] of Object.entries(files)) {
    const place = join(root, name, path);
    mkdirSync(dirname(place), { recursive: true });
    if (content.startsWith('@')) copyFileSync(join(FIXTURES, content.slice(1)), place);
    else writeFileSync(place, content);
  }
  return join(root, name);
}

test('LibriSpeech: chapters with their texts, recognised by itself', async () => {
  const folder = tree('LibriSpeech', {
    '84/121123/84-121123.trans.txt': '84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS\n',
    '84/121123/84-121123-0000.flac': '@go-forward.flac',
    '84/121123/84-121123-0001.flac': '@something.flac',
    '1188/133604/1188-133604.trans.txt': '1188-133604-0000 YOU WILL FIND ME\r\n',
    '1188/133604/1188-133604-0000.flac': '@storm.flac',
  });
  assert.deepEqual(await readUtterances(folder), [
    utterance(folder, '1188/133604/1188-133604-0000.flac', 'YOU WILL FIND ME', 'en'),
    utterance(folder, '84/121123/84-121123-0000.flac', 'GO DO YOU HEAR', 'en'),
    utterance(folder, '84/121123/84-121123-0001.flac', 'BUT IN LESS', 'en'),
  ]);
});

test('LibriSpeech: a text whose recording is not there is said with its line', async () => {
  const folder = tree('broken', { '1/2/1-2.trans.txt': '1-2-0000 ONE\n' });
  await assert.rejects(readUtterances(folder), /1-2\.trans\.txt:1: there is no recording .*1-2-0000\.flac/);
});

test('AISHELL-1: one transcript for all parts, and no spaces between the words', async () => {
  const folder = tree('data_aishell', {
    'transcript/aishell_transcript_v0.8.txt':
      'BAC009S0764W0121 甚至 出现 交易 几乎 停滞 的 情况\nBAC009S0002W0122 而 对 楼市\nBAC009S0764W0999 没有 录音\n',
    'wav/test/S0764/BAC009S0764W0121.wav': '@tone.wav',
    'wav/test/S0764/BAC009S0764W0500.wav': '@tone.wav',
    'wav/train/S0002/BAC009S0002W0122.wav': '@tone.wav',
  });
  const expected = utterance(folder, 'wav/test/S0764/BAC009S0764W0121.wav', '甚至出现交易几乎停滞的情况', 'zh');
  assert.deepEqual(await readUtterances(folder), [expected]);
  const train = await readUtterances(folder, { split: 'train' });
  assert.deepEqual(
    train.map(({ reference }) => reference),
    ['而对楼市'],
  );
});

const WENET = {
  audios: [
    {
      aid: 'Y1',
      path: 'audio/test_net/Y1.opus',
      note: 'braces } ] in "texts" \\ do not count',
      segments: [
        { sid: 'Y1_S0', begin_time: 0.5, end_time: '2.25', text: '第一句', subsets: ['TEST_NET'] },
        { sid: 'Y1_S1', begin_time: 3, end_time: 4, text: '第二句{', subsets: ['TEST_NET'] },
      ],
    },
    {
      aid: 'R1',
      path: 'audio/test_meeting/R1.opus',
      segments: [{ sid: 'R1_S0', begin_time: 0, end_time: 1, text: '会议', subsets: ['TEST_MEETING'] }],
    },
  ],
};

test('WenetSpeech: segments of long recordings, by subset, in one line or over many', async () => {
  for (const [index, text] of [JSON.stringify(WENET), JSON.stringify(WENET, null, 4)].entries()) {
    const folder = tree(`wenet-${index}`, { 'WenetSpeech.json': text });
    await assert.rejects(readUtterances(folder), /several subsets.*TEST_NET, TEST_MEETING/);
    const net = await readUtterances(folder, { split: 'TEST_NET' });
    assert.deepEqual(net[0], {
      ...utterance(folder, 'audio/test_net/Y1.opus', '第一句', 'zh'),
      id: 'audio/test_net/Y1.opus#0.5-2.25',
      range: { begin: 0.5, end: 2.25 },
    });
    assert.deepEqual(
      net.map(({ reference }) => reference),
      ['第一句', '第二句{'],
    );
    const meeting = await readUtterances(join(folder, 'WenetSpeech.json'), { split: 'TEST_MEETING' });
    assert.deepEqual(
      meeting.map(({ reference }) => reference),
      ['会议'],
    );
    await assert.rejects(readUtterances(folder, { split: 'DEV' }), /no segments of DEV/);
  }
});

test('WenetSpeech: a document that breaks off is refused', async () => {
  const folder = tree('wenet-broken', { 'WenetSpeech.json': JSON.stringify(WENET).slice(0, -3) });
  await assert.rejects(readUtterances(folder, { split: 'TEST_NET' }), /breaks off/);
});

test('Common Voice: a table beside its clips, with the language of each row or of the folder', async () => {
  const folder = tree('cv-corpus/de', {
    'test.tsv': 'client_id\tpath\tsentence\tlocale\nx\ta.mp3\tGuten Tag!\tde\ny\tb.mp3\tGrüezi.\tgsw\n',
    'validated.tsv': 'client_id\tpath\tsentence\nx\ta.mp3\tGuten Tag!\n',
    'clips/a.mp3': '@go-forward.mp3',
    'clips/b.mp3': '@something.mp3',
  });
  const clips = join(folder, 'clips');
  const first = { id: 'a.mp3', audio: join(clips, 'a.mp3'), reference: 'Guten Tag!', language: 'de' };
  const second = { id: 'b.mp3', audio: join(clips, 'b.mp3'), reference: 'Grüezi.', language: 'gsw' };
  assert.deepEqual(await readUtterances(folder), [first, second]);
  assert.deepEqual(await readUtterances(folder, { split: 'validated' }), [first]);
  assert.deepEqual(await readUtterances(join(folder, 'validated.tsv')), [first]);
  await assert.rejects(readUtterances(folder, { split: 'dev' }), /no dev\.tsv/);
});

test('a folder: each recording with a text of its name beside it', async () => {
  const folder = tree('plain', {
    'a.wav': '@go-forward.wav',
    'a.txt': 'Go forward ten meters.\n',
    'deep/b.mp3': '@something.mp3',
    'deep/b.txt': 'Go somewhere and do something.',
    'c.wav': '@tone.wav',
    'notes.txt': 'no recording',
  });
  assert.deepEqual(await readUtterances(folder, { language: 'fr' }), [
    utterance(folder, 'a.wav', 'Go forward ten meters.', 'fr'),
    utterance(folder, 'deep/b.mp3', 'Go somewhere and do something.', 'fr'),
  ]);
});

test('what is no test set is said', async () => {
  await assert.rejects(
    readUtterances(tree('empty', { 'x.md': 'x' })),
    /holds no recordings with texts in the layout folder/,
  );
  await assert.rejects(readUtterances(join(root, 'nowhere')), /There is no file or folder/);
});

function utterance(folder: string, path: string, reference: string, language: string) {
  return { id: path, audio: join(folder, path), reference, language };
}
