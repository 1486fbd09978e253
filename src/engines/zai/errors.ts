/**
 * What Z.ai's refusals mean. They come in two layers: an HTTP status, and a code in the body, also inside a 200. The code
 * decides where it is known: 429 is said of too many requests and of an empty balance alike.
 */
import { codeMember, member, stringMember } from '../foreign-json.ts';
import type { VendorFailure } from '../remote-engine.ts';
import type { VendorReply } from '../vendor-client.ts';

type Meaning = Pick<VendorFailure, 'fault' | 'meaning'>;

const BUSY: Meaning = { fault: 'busy', meaning: 'Z.ai has too many requests of this account at the same time.' };
const KEY: Meaning = { fault: 'unavailable', meaning: 'Z.ai does not accept the key: check api_key.' };
const NOT_ALLOWED: Meaning = { fault: 'unavailable', meaning: 'The account at Z.ai may not use this model.' };
const NOT_TAKEN: Meaning = { fault: 'refused', meaning: 'Z.ai does not take this request or its audio.' };
const SERVER: Meaning = { fault: 'failed', meaning: 'Z.ai had an error of its own.' };

/** From code to code, both included; the first row that holds a code decides. `docs/engines.md` shows them. */
const CODES: readonly (readonly [from: number, to: number, meaning: Meaning])[] = [
  [1000, 1004, KEY],
  [1113, 1113, { fault: 'unavailable', meaning: 'The balance at Z.ai is exhausted: add credit there.' }],
  [1110, 1121, { fault: 'unavailable', meaning: 'The account at Z.ai is inactive or locked: ask its support.' }],
  [1211, 1211, { fault: 'unavailable', meaning: 'Z.ai does not know the model glm-asr-2512: check base_url.' }],
  [1210, 1215, NOT_TAKEN],
  [1220, 1222, NOT_ALLOWED],
  [1230, 1230, SERVER],
  [1231, 1231, { fault: 'failed', meaning: 'Z.ai has seen the id of this request before.' }],
  [1234, 1234, SERVER],
  [1300, 1301, { fault: 'refused', meaning: 'Z.ai refused the content by its policy.' }],
  [1302, 1303, BUSY],
  [1304, 1304, { fault: 'unavailable', meaning: 'The account at Z.ai has reached its daily limit.' }],
  [1305, 1305, BUSY],
  [1308, 1308, { fault: 'unavailable', meaning: 'The account at Z.ai has reached its limit of usage.' }],
  [1309, 1309, { fault: 'unavailable', meaning: 'The plan at Z.ai has expired: renew it there.' }],
];

/** Null for a success. */
export function zaiFailure({ status, body }: VendorReply): VendorFailure | null {
  const error = errorIn(body);
  if (status < 400 && error === null) return null;
  const code = error?.code;
  const said = [code === undefined ? undefined : `code ${code}`, error?.words].filter((part) => part !== undefined);
  return {
    ...(meaningOfCode(code) ?? meaningOfStatus(status)),
    words: said.length === 0 ? undefined : said.join(', '),
  };
}

/** The gateway in front of the API has a shape of its own: `{"code":401,"msg":"…","success":false}`. */
function errorIn(body: unknown): { code: string | undefined; words: string | undefined } | null {
  const error = member(body, 'error');
  if (error !== undefined && error !== null) {
    return { code: codeMember(error, 'code'), words: stringMember(error, 'message') };
  }
  if (member(body, 'success') !== false) return null;
  return { code: codeMember(body, 'code'), words: stringMember(body, 'msg') };
}

function meaningOfCode(text: string | undefined): Meaning | undefined {
  const code = Number(text);
  // The gateway's codes are HTTP statuses.
  if (code >= 400 && code <= 599) return meaningOfStatus(code);
  return CODES.find(([from, to]) => code >= from && code <= to)?.[2];
}

function meaningOfStatus(status: number): Meaning {
  switch (status) {
    case 401:
      return KEY;
    case 403:
    case 434:
      return NOT_ALLOWED;
    case 404:
      return {
        fault: 'unavailable',
        meaning: 'Z.ai has nothing at this address: check base_url, and what is open to you.',
      };
    case 429:
      return BUSY;
    case 400:
    case 413:
    case 415:
    case 422:
    case 435:
      return NOT_TAKEN;
    default:
      return SERVER;
  }
}
