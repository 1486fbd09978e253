/**
 * What the refusals of OpenAI-compatible servers mean. The body is `{"error":{…}}` (OpenAI, newer vLLM),
 * `{"object":"error","message":…}` (SGLang, older vLLM) or `{"detail":…}` (the frameworks beneath), also inside a 200.
 */
import { codeMember, member, stringMember } from '../foreign-json.ts';
import type { VendorFailure } from '../remote-engine.ts';
import type { VendorReply } from '../vendor-client.ts';

type Meaning = Pick<VendorFailure, 'fault' | 'meaning'>;

const QUOTA: Meaning = { fault: 'unavailable', meaning: 'The account at the vendor has no balance: add credit there.' };
const BUSY: Meaning = { fault: 'busy', meaning: 'The server has too many requests at the same time.' };
const NOT_TAKEN: Meaning = { fault: 'refused', meaning: 'The server does not take this request or its audio.' };
const SERVER: Meaning = { fault: 'failed', meaning: 'The server had an error of its own.' };

/** Null for a success. */
export function openAiFailure({ status, body, retryAfterMs }: VendorReply): VendorFailure | null {
  const error = errorIn(body);
  if (status < 400 && error === null) return null;
  const [code, type] = [codeMember(error, 'code'), stringMember(error, 'type')];
  const said = [type, code, stringMember(error, 'message')].filter((part) => part !== undefined);
  const noBalance = code === 'insufficient_quota' || type === 'insufficient_quota';
  // Inside of a 200 the code is the status that was meant.
  const meant = status >= 400 ? status : Number(code);
  return {
    ...(noBalance ? QUOTA : meaningOfStatus(meant, retryAfterMs !== undefined)),
    words: said.length === 0 ? undefined : said.join(', '),
  };
}

function errorIn(body: unknown): unknown {
  const error = member(body, 'error');
  if (typeof error === 'string') return { message: error };
  if (error !== undefined && error !== null) return error;
  if (member(body, 'object') === 'error') return body;
  const detail = member(body, 'detail');
  return detail === undefined ? null : { message: typeof detail === 'string' ? detail : JSON.stringify(detail) };
}

function meaningOfStatus(status: number, saysWhen: boolean): Meaning {
  switch (status) {
    case 401:
    case 403:
      return { fault: 'unavailable', meaning: 'The server does not accept the key: check api_key.' };
    case 402:
      return QUOTA;
    case 404:
    case 405:
      return {
        fault: 'unavailable',
        meaning: 'The server does not know the model or the address: check model and base_url.',
      };
    case 429:
      return BUSY;
    case 503:
      return saysWhen ? BUSY : SERVER;
    case 400:
    case 413:
    case 415:
    case 422:
      return NOT_TAKEN;
    default:
      return SERVER;
  }
}
