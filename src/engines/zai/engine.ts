/** Z.ai's cloud (and BigModel, its Chinese twin): glm-asr-2512, the model itself. */
import { randomUUID } from 'node:crypto';
import type { Engine, EngineOptions } from '../contract.ts';
import { stringMember } from '../foreign-json.ts';
import { createRemoteEngine, type RemoteEngineServices, type Vendor } from '../remote-engine.ts';
import { toWav } from '../wav.ts';
import { zaiFailure } from './errors.ts';

export interface ZaiOptions extends RemoteEngineServices {
  /** The name under which the engine is configured. */
  readonly id: string;
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly timeoutMs: number;
  /** The vendor counts requests in flight, by the account's level: 5, 10, 15 or 20. */
  readonly inFlightMax: number;
}

/** The vendor takes 30 seconds; its own model repeats itself near the end of them, and pieces are cut for 28 anyway. */
const PIECE_SECONDS_MAX = 28;

/** "Recommended to be less than 8000 characters". */
const PROMPT_CHARACTERS_MAX = 7_999;
/** What is left at the beginning where the cut goes through a character of two code units. */
const HALF_CHARACTER = /^[\uDC00-\uDFFF]/;
const HOTWORDS_MAX = 100;
const USER_ID_CHARACTERS = { min: 6, max: 128 };

const ZAI: Vendor = {
  path: '/audio/transcriptions',
  body: zaiForm,
  failure: zaiFailure,
  text(body) {
    const text = stringMember(body, 'text');
    return text === undefined ? null : { text: text.trim() };
  },
};

export function createZaiEngine({ apiKey, ...options }: ZaiOptions): Engine {
  return createRemoteEngine({
    ...options,
    model: 'glm/glm-asr-2512',
    capabilities: {
      languages: null,
      pieceSecondsMax: PIECE_SECONDS_MAX,
      prompt: true,
      hotwords: true,
      timestamps: false,
      tokenCounts: false,
    },
    headers: { authorization: `Bearer ${apiKey}` },
    vendor: ZAI,
  });
}

function zaiForm(samples: Float32Array, { prompt = '', hotwords = [], userId }: EngineOptions): FormData {
  const form = new FormData();
  form.set('model', 'glm-asr-2512');
  form.set('stream', 'false');
  // The vendor refuses an id that it has seen, so that each attempt has one of its own.
  form.set('request_id', randomUUID());
  if (userId !== undefined && userId.length >= USER_ID_CHARACTERS.min && userId.length <= USER_ID_CHARACTERS.max) {
    form.set('user_id', userId);
  }
  // What was said last is nearest to this piece: a long prompt loses its beginning.
  const context = prompt.slice(-PROMPT_CHARACTERS_MAX).replace(HALF_CHARACTER, '').trim();
  if (context !== '') form.set('prompt', context);
  // The document gives the list as `["person_name","place_name"]` and says nothing on its form in multipart. One field with
  // JSON is what most clients send; and a server that wants repeated fields still takes it, as one odd word, while a server
  // that wants JSON would refuse repeated fields.
  if (hotwords.length > 0) form.set('hotwords', JSON.stringify(hotwords.slice(0, HOTWORDS_MAX)));
  form.set('file', new Blob([toWav(samples)], { type: 'audio/wav' }), 'piece.wav');
  return form;
}
