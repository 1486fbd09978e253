/**
 * WenetSpeech: hours of audio in each file, and the places of its sentences in one JSON document. `audios[]` holds `path`,
 * and `segments[]` with `begin_time`, `end_time` in seconds, `text`, and `subsets` such as `TEST_NET` and `TEST_MEETING`.
 */
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { idOf, ManifestError, type Utterance } from './manifest.ts';

const seconds = z.union([z.number(), z.string().transform(Number)]).pipe(z.number().min(0));
const audioSchema = z.object({
  path: z.string(),
  segments: z.array(
    z.object({
      begin_time: seconds,
      end_time: seconds,
      text: z.string(),
      subsets: z.array(z.string()).optional(),
    }),
  ),
});

/**
 * @param split a subset such as `TEST_MEETING`; may be undefined where there is only one. Whether the audio is there shows
 * when it is opened.
 */
export async function readWenetSpeech(path: string, split: string | undefined): Promise<Utterance[]> {
  const utterances: Utterance[] = [];
  const subsetsFound = new Set<string>();
  for await (const text of innerObjects(path)) {
    const { path: audio, segments } = parse(path, text);
    for (const { begin_time: begin, end_time: end, text: reference, subsets = [] } of segments) {
      for (const subset of subsets) subsetsFound.add(subset);
      if (split !== undefined && !subsets.includes(split)) continue;
      const range = { begin, end };
      const id = idOf(audio, range);
      if (begin >= end) throw new ManifestError(`${path}: ${id} ends before it begins.`);
      utterances.push({ id, audio: join(dirname(path), audio), range, reference, language: 'zh' });
    }
    if (split === undefined && subsetsFound.size > 1) {
      throw new ManifestError(
        `${path} holds several subsets; name one with --split, such as ${[...subsetsFound].join(', ')}.`,
      );
    }
  }
  if (utterances.length === 0) throw new ManifestError(`${path} holds no segments of ${split ?? 'any subset'}.`);
  return utterances;
}

function parse(path: string, text: string): z.infer<typeof audioSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ManifestError(`${path} is no JSON document: ${String(error)}.`, { cause: error });
  }
  const result = audioSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ManifestError(`${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`);
}

/** An object in the list is this deep: the document, the list, the object. */
const DEPTH = 3;
/** Hours of audio have some thousand segments; a text above that is no such document. */
const CHARACTERS_MAX = 200_000_000;

/** The text of each object of the list, one after the other: the document has gigabytes, more than one string can hold. */
async function* innerObjects(path: string): AsyncGenerator<string> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let object = '';
  for await (const chunk of createReadStream(path, {
    encoding: 'utf8',
    highWaterMark: 2 ** 20,
  }) as AsyncIterable<string>) {
    let start = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const character = chunk[index];
      if (escaped) escaped = false;
      else if (inString) {
        if (character === '\\') escaped = true;
        else if (character === '"') inString = false;
      } else if (character === '"') inString = true;
      else if (character === '{' || character === '[') {
        depth += 1;
        if (depth === DEPTH) start = index;
      } else if (character === '}' || character === ']') {
        depth -= 1;
        if (depth === DEPTH - 1) {
          yield object + chunk.slice(start, index + 1);
          object = '';
        }
      }
    }
    if (depth >= DEPTH) object += chunk.slice(start);
    if (object.length > CHARACTERS_MAX) throw new ManifestError(`${path} is no document of WenetSpeech.`);
  }
  if (depth !== 0 || inString) throw new ManifestError(`${path} breaks off before its end.`);
}
