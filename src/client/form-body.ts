/** The multipart form of an upload: by the platform for a `Blob`, by hand for a stream, whose length nobody knows yet. */
import { createIdempotencyKey, type Outgoing } from './send.ts';
import type { UploadRequest } from './replies.ts';

type Fields = readonly (readonly [name: string, value: string])[];

export function formBody(
  { model, file, language, prompt, keywords = [] }: UploadRequest,
  more: Fields,
): Pick<Outgoing, 'body' | 'headers'> {
  const fields: Fields = [
    ['model', model],
    ...(language === undefined ? [] : ([['language', language]] as const)),
    ...(prompt === undefined ? [] : ([['prompt', prompt]] as const)),
    ...keywords.map((keyword) => ['keywords[]', keyword] as const),
    ...more,
  ];
  if (file instanceof ReadableStream) return streamedForm(fields, file);
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append('file', file);
  return { body: form };
}

function streamedForm(fields: Fields, file: ReadableStream<Uint8Array>): Pick<Outgoing, 'body' | 'headers'> {
  const boundary = `earshot-${createIdempotencyKey()}`;
  const encoder = new TextEncoder();
  const head = fields.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const fileHead = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="audio"\r\n`;
  const start = `${head.join('')}${fileHead}content-type: application/octet-stream\r\n\r\n`;
  const body = file.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(start)),
      flush: (controller) => controller.enqueue(encoder.encode(`\r\n--${boundary}--\r\n`)),
    }),
  );
  return { body, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
}
