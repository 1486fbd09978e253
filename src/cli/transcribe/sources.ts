/** What the words of `earshot transcribe` stand for: files, folders, patterns, URLs and standard input. */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';

export interface Source {
  /** As it was named, or its path in the folder that was. */
  readonly label: string;
  /** What its text is called, with the extension of the audio; may have folders. */
  readonly name: string;
  readonly audio:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'input' }
    /** There is nothing to hear; the sentence says why. */
    | { readonly kind: 'nothing'; readonly reason: string };
}

/** What is taken from a folder. A file that is named itself is recognised by its content alone. */
const AUDIO_EXTENSIONS: ReadonlySet<string> = new Set(
  'aac aif aifc aiff flac m4a m4b mka mkv mov mp2 mp3 mp4 oga ogg opus wav wave webm'
    .split(' ')
    .map((name) => `.${name}`),
);

export interface Sources {
  readonly sources: readonly Source[];
  /** Whether there may be several, however many there are this time. */
  readonly several: boolean;
}

export async function findSources(words: readonly string[]): Promise<Sources> {
  const found = await Promise.all(words.map(findSource));
  return {
    sources: found.flatMap(({ sources }) => sources),
    several: words.length > 1 || found.some(({ several }) => several),
  };
}

async function findSource(word: string): Promise<Sources> {
  const one = (name: string, audio: Source['audio']): Sources => ({
    sources: [{ label: word, name, audio }],
    several: false,
  });
  if (word === '-') return one('stdin', { kind: 'input' });
  if (/^https?:/i.test(word)) return one(nameOfUrl(word), { kind: 'url', url: word });
  const status = await stat(word).catch(() => null);
  if (status?.isDirectory() === true) {
    const paths = await audioFilesIn(word);
    return several(word, word, paths, 'There is no audio file in this folder.');
  }
  // Where the shell has left a pattern as it is: in quotes, or where the shell knows none.
  if (status === null && /[*?]/.test(word)) {
    const folder = folderOfPattern(word);
    const pattern = patternOf(word);
    const paths = (await filesIn(folder)).filter((path) => pattern.test(path.split(sep).join('/')));
    return several(word, folder, paths, 'No file fits this pattern.');
  }
  return one(basename(word), { kind: 'file', path: word });
}

function several(word: string, folder: string, paths: readonly string[], reason: string): Sources {
  const sources: Source[] = paths.map((path) => ({
    label: path,
    name: relative(folder, path),
    audio: { kind: 'file', path },
  }));
  const nothing: Source = { label: word, name: basename(word), audio: { kind: 'nothing', reason } };
  return { sources: sources.length === 0 ? [nothing] : sources, several: true };
}

function nameOfUrl(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  return basename(path) === '' ? 'audio' : basename(path);
}

async function audioFilesIn(folder: string): Promise<string[]> {
  return (await filesIn(folder)).filter((path) => AUDIO_EXTENSIONS.has(extname(path).toLowerCase()));
}

/** All files below, in order of their names; hidden ones are left alone, and links to folders are not followed. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const paths = await Promise.all(
    visible.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesIn(path);
      return entry.isFile() || (await stat(path).catch(() => null))?.isFile() === true ? [path] : [];
    }),
  );
  return paths.flat().toSorted();
}

/** The folder down to which a pattern says where to look. */
function folderOfPattern(pattern: string): string {
  const parts = pattern.split('/');
  const fixed = parts.slice(
    0,
    parts.findIndex((part) => /[*?]/.test(part)),
  );
  return fixed.length === 0 ? '.' : fixed.join('/') || '/';
}

/** `*` and `?` within a name, `**` across folders. */
function patternOf(pattern: string): RegExp {
  const source = pattern.replace(/^(\.\/)+/, '').replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 'u');
}
