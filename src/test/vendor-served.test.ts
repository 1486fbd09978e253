/** A server whose model is answered by Z.ai: what its callers see of the vendor, and of the vendor's refusals. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ERRORS } from '../core/errors.ts';
import { startFakeZai, zaiError } from './fake-zai.ts';
import { bodyOf, serveRecordings, startServer } from './running-server.ts';

const zai = await startFakeZai({ apiKey: 'id.topsecretkey', text: () => '  Go forward ten meters.\n' });
const files = await serveRecordings();
const server = await startServer({
  environment: {
    ZAI_API_KEY: 'id.topsecretkey',
    ZAI_BASE_URL: `${zai.baseUrl}/`,
    EARSHOT_FETCH_ALLOW: files.hostAndPort,
    EARSHOT_ALLOW_STAND_IN: 'true',
  },
});
after(() => Promise.all([server, zai, files].map((each) => each[Symbol.asyncDispose]())));

test('with a key in the environment Z.ai answers for its model, and the embedded engine for its own', async () => {
  const { key } = await server.createKey();
  const inputs = { audio: files.url('go-forward.wav'), hotwords: ['meters'], prompt: 'Before.', language: 'en' };
  const response = await server.run(key, inputs.audio, { inputs });
  assert.equal(response.status, 200);
  const reply = await bodyOf<{ text: string; engine: string; warnings: unknown[]; usage: { estimated: boolean } }>(
    response,
  );
  assert.deepEqual([reply.text, reply.engine, reply.warnings], ['Go forward ten meters.', 'zai', []]);
  assert.equal(reply.usage.estimated, true);
  assert.deepEqual([zai.fields.at(-1)?.['prompt'], zai.fields.at(-1)?.['hotwords']], ['Before.', '["meters"]']);
  const own = await bodyOf<{ engine: string }>(await server.run(key, inputs.audio, { model: 'moonshine/tiny' }));
  assert.equal(own.engine, 'embedded');
});

test('an empty balance at the vendor is 503 to the caller, without a word of the vendor, and costs nothing', async () => {
  const { key } = await server.createKey('--cap-usd', '1');
  zai.misbehave = () => ({ kind: 'answer', answer: zaiError('1113') });
  const response = await server.run(key, files.url('go-forward.wav'));
  assert.equal(response.status, 503);
  const { error } = await bodyOf<{ error: { code: string; message: string } }>(response);
  assert.deepEqual([error.code, error.message], ['engine_unavailable', ERRORS.engine_unavailable.message]);
  const { spent_usd: spent, held_usd: held } = await server.keyStatus(key);
  assert.deepEqual([Number(spent), Number(held)], [0, 0]);
  assert.match(server.log(), /balance at Z\.ai is exhausted/);
  assert.equal(server.log().includes('topsecretkey'), false);
});
