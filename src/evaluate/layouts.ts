/**
 * Test sets as they lie on disk after they are unpacked. Each reader gives the same list in every run, in the order of
 * names, and takes only recordings that have both audio and text; a text without its audio is a mistake that is said.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { idOf, ManifestError, readManifest, readText, type Utterance } from './manifest.ts';
import { readWenetSpeech } from './wenetspeech.ts';

export const LAYOUTS = ['manifest', 'librispeech', 'aishell', 'wenetspeech', 'common-voice', 'folder'] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface LayoutOptions {
  /** Recognised where it is undefined. */
  readonly layout?: Layout;
  /** The language of a layout that does not say it. */
  readonly language?: string;
  /** The part of the set, such as `test` or `TEST_MEETING`; each layout has its own. */
  readonly split?: string;
}

const AUDIO = new Set(['.wav', '.flac', '.mp3', '.m4a', '.mp4', '.ogg', '.opus', '.webm']);
const AISHELL_TRANSCRIPT = /^aishell_transcript.*\.txt$/;
const FILES_MAX = 5_000_000;

/** The recordings of a manifest, or of a folder in one of the layouts. */
export async function readUtterances(path: string, options: LayoutOptions = {}): Promise<Utterance[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new ManifestError(`There is no file or folder ${path}.`);
  if (found.isFile()) return readFileAs(path, options);
  const tree = await filesBelow(path);
  const layout = options.layout ?? recognise(tree);
  const utterances = await readFolder(path, tree, layout, options);
  if (utterances.length === 0)
    throw new ManifestError(`${path} holds no recordings with texts in the layout ${layout}.`);
  return utterances.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

async function readFileAs(path: string, options: LayoutOptions): Promise<Utterance[]> {
  const extension = extname(path);
  const layout =
    options.layout ?? (extension === '.tsv' ? 'common-voice' : extension === '.json' ? 'wenetspeech' : 'manifest');
  if (layout === 'manifest') return readManifest(path);
  if (layout === 'common-voice') return readCommonVoice(path, options);
  if (layout === 'wenetspeech') return readWenetSpeech(path, options.split);
  throw new ManifestError(`The layout ${layout} is a folder, but ${path} is a file.`);
}

/** A file with its path below the folder, with slashes. */
type Tree = readonly string[];

async function filesBelow(folder: string): Promise<Tree> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  if (entries.length > FILES_MAX)
    throw new ManifestError(`${folder} holds more than ${FILES_MAX} files; name a part of it.`);
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

function recognise(tree: Tree): Layout {
  const has = (test: (path: string) => boolean): boolean => tree.some(test);
  if (has((path) => basename(path) === 'WenetSpeech.json')) return 'wenetspeech';
  if (has((path) => AISHELL_TRANSCRIPT.test(basename(path)))) return 'aishell';
  if (has((path) => path.endsWith('.trans.txt'))) return 'librispeech';
  if (has((path) => path.endsWith('.tsv')) && has((path) => /(?:^|\/)clips\//.test(path))) return 'common-voice';
  return 'folder';
}

async function readFolder(folder: string, tree: Tree, layout: Layout, options: LayoutOptions): Promise<Utterance[]> {
  switch (layout) {
    case 'librispeech':
      return readLibriSpeech(folder, tree);
    case 'aishell':
      return readAishell(folder, tree, options.split ?? 'test');
    case 'wenetspeech': {
      const index = tree.find((path) => basename(path) === 'WenetSpeech.json');
      if (index === undefined) throw new ManifestError(`${folder} holds no WenetSpeech.json.`);
      return readWenetSpeech(join(folder, index), options.split);
    }
    case 'common-voice': {
      const name = `${options.split ?? 'test'}.tsv`;
      const table = tree.find((path) => basename(path) === name);
      if (table === undefined) throw new ManifestError(`${folder} holds no ${name}; name the part with --split.`);
      return readCommonVoice(join(folder, table), options);
    }
    case 'folder':
      return readPlainFolder(folder, tree, options.language ?? 'en');
    case 'manifest':
      throw new ManifestError(`A manifest is a file, but ${folder} is a folder.`);
  }
}

/** `speaker/chapter/speaker-chapter.trans.txt` beside the flac files that its lines begin with. */
async function readLibriSpeech(folder: string, tree: Tree): Promise<Utterance[]> {
  const present = new Set(tree);
  const tables = tree.filter((path) => path.endsWith('.trans.txt'));
  const read = tables.map(async (table) => {
    const lines = await readLines(join(folder, table));
    return lines.map(({ place, text }) => {
      const [, name = '', reference = ''] = /^(\S+)\s+(.*)$/.exec(text) ?? [];
      const audio = `${dirname(table) === '.' ? '' : `${dirname(table)}/`}${name}.flac`;
      return utteranceOf(folder, audio, reference, 'en', present, place);
    });
  });
  return (await Promise.all(read)).flat();
}

/** One transcript for all; the audio lies at `wav/PART/SPEAKER/NAME.wav`. Words stand apart, which Chinese text does not. */
async function readAishell(folder: string, tree: Tree, split: string): Promise<Utterance[]> {
  const transcript = tree.find((path) => AISHELL_TRANSCRIPT.test(basename(path)));
  if (transcript === undefined) throw new ManifestError(`${folder} holds no transcript/aishell_transcript_v0.8.txt.`);
  const references = new Map<string, string>();
  for (const { text } of await readLines(join(folder, transcript))) {
    const [, name = '', words = ''] = /^(\S+)\s+(.*)$/.exec(text) ?? [];
    references.set(name, words.replace(/\s+/g, ''));
  }
  // The set's own transcript lists more names than there are recordings, so the recordings lead.
  return tree
    .filter((path) => path.endsWith('.wav') && path.split('/').includes(split))
    .flatMap((path) => {
      const reference = references.get(basename(path, '.wav'));
      return reference === undefined ? [] : [{ id: path, audio: join(folder, path), reference, language: 'zh' }];
    });
}

/** A table with the columns `path`, `sentence` and mostly `locale`; the audio lies in `clips` beside it. */
async function readCommonVoice(table: string, options: LayoutOptions): Promise<Utterance[]> {
  const [header, ...lines] = await readLines(table);
  const columns = (header?.text ?? '').split('\t');
  const [path, sentence, locale] = ['path', 'sentence', 'locale'].map((name) => columns.indexOf(name));
  if (path === undefined || path < 0 || sentence === undefined || sentence < 0) {
    throw new ManifestError(`${table}:1: has no columns "path" and "sentence".`);
  }
  const clips = join(dirname(table), 'clips');
  const present = new Set(await readdir(clips).catch(() => []));
  // The folder that holds the table is named after the language: "cv-corpus-…/en/test.tsv".
  const folderName = basename(dirname(table));
  const otherwise = options.language ?? (/^[a-z]{2,3}(-[A-Za-z]+)?$/.test(folderName) ? folderName : 'en');
  return lines.map(({ place, text }) => {
    const cells = text.split('\t');
    const language = (locale === undefined ? '' : cells[locale]) || otherwise;
    return utteranceOf(clips, cells[path] ?? '', cells[sentence] ?? '', language, present, place);
  });
}

/** Each recording with a text file of its name beside it. */
async function readPlainFolder(folder: string, tree: Tree, language: string): Promise<Utterance[]> {
  const present = new Set(tree);
  const withText = tree
    .filter((path) => AUDIO.has(extname(path).toLowerCase()))
    .map((audio) => ({ audio, text: `${audio.slice(0, -extname(audio).length)}.txt` }))
    .filter(({ text }) => present.has(text));
  return Promise.all(
    withText.map(async ({ audio, text }) => ({
      id: audio,
      audio: join(folder, audio),
      reference: (await readText(join(folder, text))).trim(),
      language,
    })),
  );
}

function utteranceOf(
  folder: string,
  audio: string,
  reference: string,
  language: string,
  present: ReadonlySet<string>,
  place: string,
): Utterance {
  if (!present.has(audio)) throw new ManifestError(`${place}: there is no recording ${join(folder, audio)}.`);
  return { id: idOf(audio, undefined), audio: join(folder, audio), reference, language };
}

/** Lines that are not empty, with their place for messages. */
async function readLines(path: string): Promise<{ place: string; text: string }[]> {
  return (await readText(path))
    .split('\n')
    .map((text, index) => ({ place: `${path}:${index + 1}`, text }))
    .filter(({ text }) => text.trim() !== '');
}
