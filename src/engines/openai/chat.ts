/** `POST /chat/completions` with the audio inside of the message. */
import type { EngineText } from '../contract.ts';
import { countMember, listMember, member, stringMember } from '../foreign-json.ts';
import type { Vendor } from '../remote-engine.ts';
import { toWav } from '../wav.ts';
import { openAiFailure } from './errors.ts';

export interface ChatOptions {
  readonly modelName: string;
  readonly instruction: string;
}

export function createChat({ modelName, instruction }: ChatOptions): Vendor {
  return {
    path: '/chat/completions',
    body(samples, { outputTokensMax }) {
      const data = Buffer.from(toWav(samples).buffer).toString('base64');
      // The audio comes first: the model was trained on prompts in this order.
      const content = [
        { type: 'input_audio', input_audio: { data, format: 'wav' } },
        { type: 'text', text: instruction },
      ];
      return JSON.stringify({
        model: modelName,
        messages: [{ role: 'user', content }],
        temperature: 0,
        max_tokens: outputTokensMax,
        stream: false,
      });
    },
    failure: openAiFailure,
    text: completionText,
  };
}

function completionText(body: unknown): EngineText | null {
  const choice = listMember(body, 'choices')?.[0];
  const text = contentText(member(choice, 'message'));
  if (text === null) return null;
  const outputTokens = countMember(member(body, 'usage'), 'completion_tokens');
  return {
    text: text.trim(),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(stringMember(choice, 'finish_reason') === 'length' ? { truncated: true } : {}),
  };
}

/** A string, or parts of it; null is what some servers say for an empty text. */
function contentText(message: unknown): string | null {
  const content = member(message, 'content');
  if (typeof content === 'string') return content;
  if (content === null) return '';
  const parts = listMember(message, 'content')?.map((part) => stringMember(part, 'text'));
  return parts === undefined || parts.includes(undefined) ? null : parts.join('');
}
