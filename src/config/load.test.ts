import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, loadConfig, type Config } from './load.ts';

test('an empty environment gives the documented defaults, frozen', () => {
  const config = loadConfig({});
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 8080);
  assert.equal(config.allowStandIn, true);
  assert.deepEqual(
    config.models.map(({ id }) => id),
    ['glm/glm-asr-2512', 'moonshine/tiny'],
  );
  assert.equal(config.limits.audio_seconds, 14_400);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.limits) && Object.isFrozen(config.models[0]));
});

test('the stand-in is off as soon as others can reach the server, unless it is asked for', () => {
  assert.equal(loadConfig({ HOST: '0.0.0.0' }).allowStandIn, false);
  assert.equal(loadConfig({ EARSHOT_PUBLIC_URL: 'https://speech.example.com' }).allowStandIn, false);
  assert.equal(loadConfig({ HOST: '0.0.0.0', EARSHOT_ALLOW_STAND_IN: 'true' }).allowStandIn, true);
});

test('the command line wins over the environment', () => {
  assert.equal(loadConfig({ PORT: '1' }, { PORT: '2' }).port, 2);
});

test('every mistake is reported at once, with its name', () => {
  const mistakes = mistakesOf({
    PORT: '70000',
    LOG_LEVEL: 'loud',
    EARSHOT_FETCH_ALLOW: 'example.com',
    EARSHOT_TRUSTED_PROXIES: '10.0.0.0/99',
    EARSHOT_KEY_PEPPER: 'short',
  });
  for (const name of ['PORT', 'LOG_LEVEL', 'EARSHOT_FETCH_ALLOW', 'EARSHOT_KEY_PEPPER', 'EARSHOT_TRUSTED_PROXIES']) {
    assert.ok(
      mistakes.some((mistake) => mistake.startsWith(name)),
      `${name} is missing in ${mistakes.join('\n')}`,
    );
  }
  assert.ok(mistakes.some((mistake) => mistake.includes('10.0.0.0/99')));
});

test('a file that is no JSON object, and values in it that cannot be, are said in a sentence', () => {
  for (const content of [null, [], 5])
    assert.deepEqual(mistakesOfFile(content), ['EARSHOT_CONFIG: the file: must be one JSON object.']);
  assert.deepEqual(mistakesOfFile({ limits: { decoders: 0 } }), [
    'EARSHOT_CONFIG: limits.decoders: must be a whole number from 1 to 64.',
  ]);
  assert.match(
    mistakesOfFile({ models: { 'a b': { engines: ['embedded'] } } }).join(),
    /models\.a b: must be a model id/,
  );
});

test('the weights of glm lie under the data folder, unless their path says otherwise', () => {
  const engines = { near: { type: 'glm', path: 'models/glm' }, far: { type: 'glm', path: '/weights/glm', workers: 2 } };
  const config = loadFile({ engines, models: { 'a/b': { engines: ['near'] } } }, { DATA_DIR: '/data' });
  assert.deepEqual(config.engines['near'], {
    type: 'glm',
    path: '/data/models/glm',
    workers: 1,
    batch: 4,
    hints: false,
  });
  assert.deepEqual(config.engines['far'], { ...config.engines['near'], path: '/weights/glm', workers: 2 });
});

const OPENAI = {
  type: 'openai',
  mode: 'chat',
  base_url: 'http://127.0.0.1:8000/v1/',
  model: 'zai-org/GLM-ASR-Nano-2512',
};

test('a key for Z.ai alone turns its engine on, in front of the embedded one', () => {
  const config = loadConfig({ ZAI_API_KEY: 'id.secret' });
  assert.deepEqual(config.engines['zai'], {
    type: 'zai',
    api_key: 'id.secret',
    base_url: 'https://api.z.ai/api/paas/v4',
    max_in_flight: 5,
    timeout_seconds: 60,
  });
  assert.deepEqual(enginesOf(config), [[{ zai: 1 }, { embedded: 1 }], [{ embedded: 1 }]]);
  assert.deepEqual(enginesOf(loadConfig({})), [[{ embedded: 1 }], [{ embedded: 1 }]]);
  const elsewhere = loadConfig({ ZAI_API_KEY: 'id.secret', ZAI_BASE_URL: 'https://open.bigmodel.cn/api/paas/v4/' });
  assert.equal(baseUrlOf(elsewhere), 'https://open.bigmodel.cn/api/paas/v4');
});

test('an engine zai of the file wins over the environment, whose address holds where the file names none', () => {
  const variables = { ZAI_API_KEY: 'id.secret', ZAI_BASE_URL: 'https://open.bigmodel.cn/api/paas/v4' };
  const engines = { embedded: { type: 'moonshine' }, zai: { type: 'zai', api_key: 'other', max_in_flight: 20 } };
  const { engines: found } = loadFile({ engines }, variables);
  assert.deepEqual(found['zai'], {
    type: 'zai',
    api_key: 'other',
    max_in_flight: 20,
    timeout_seconds: 60,
    base_url: variables.ZAI_BASE_URL,
  });
  const named = { ...engines, zai: { ...engines.zai, base_url: 'https://api.z.ai/api/paas/v4' } };
  assert.equal(baseUrlOf(loadFile({ engines: named }, variables)), 'https://api.z.ai/api/paas/v4');
});

test('the models of the file hold as they are, and without them Z.ai comes first', () => {
  const variables = { ZAI_API_KEY: 'id.secret' };
  assert.deepEqual(enginesOf(loadFile({ models: { 'a/b': { engines: ['embedded'] } } }, variables)), [
    [{ embedded: 1 }],
  ]);
  assert.deepEqual(enginesOf(loadFile({}, variables)), [[{ zai: 1 }, { embedded: 1 }], [{ embedded: 1 }]]);
});

test('an OpenAI-compatible server is configuration, with finite defaults', () => {
  const engines = { embedded: { type: 'moonshine' }, cluster: OPENAI };
  assert.deepEqual(loadFile({ engines }).engines['cluster'], {
    ...OPENAI,
    base_url: 'http://127.0.0.1:8000/v1',
    headers: {},
    max_in_flight: 16,
    timeout_seconds: 60,
    prompt: false,
    timestamps: false,
  });
});

test('mistakes in the engines are all said, each with its place', () => {
  const engines = {
    a: { ...OPENAI, mode: 'speech', base_url: 'http://user:pass@host/v1', headers: { 'a b': 'c' }, max_in_flight: 0 },
    b: { type: 'zai', api_key: 'with space', base_url: 'https://host/v1?x=1', timeout_seconds: 301 },
    c: { ...OPENAI, prompt: true, timestamps: true, headers: { Host: 'x', Authorization: 'y' }, api_key: 'k' },
    d: { ...OPENAI, mode: 'transcriptions', instruction: 'Write' },
    e: { type: 'zai' },
    f: { ...OPENAI, api_kye: 'x' },
  };
  const text = mistakesOfFile({ engines }).join('\n');
  for (const expected of [
    /engines\.a\.mode: must be "chat" or "transcriptions"/,
    /engines\.a\.base_url: must be an http or https address without user, password and query/,
    /engines\.a\.headers\.a b: must be the name of an HTTP header/,
    /engines\.a\.max_in_flight: must be a whole number from 1 to 1000/,
    /engines\.b\.api_key: must be a key without spaces/,
    /engines\.b\.base_url: must be an http/,
    /engines\.b\.timeout_seconds: must be a whole number from 1 to 300/,
    /engines\.c\.prompt: needs the mode "transcriptions"/,
    /engines\.c\.timestamps: needs the mode "transcriptions"/,
    /engines\.c\.headers: may not name "host"/,
    /engines\.c\.headers: may not name "authorization" beside api_key/,
    /engines\.d\.instruction: needs the mode "chat"/,
    /engines\.e\.api_key: must be a key/,
    /engines\.f: unknown member "api_kye"/,
  ]) {
    assert.match(text, expected);
  }
  assert.equal(text.includes('pass@') || text.includes('with space'), false);
});

test('mistakes in the variables for Z.ai are said without the key', () => {
  const mistakes = mistakesOf({ ZAI_API_KEY: 'two words', ZAI_BASE_URL: 'api.z.ai' }).join('\n');
  assert.match(mistakes, /ZAI_API_KEY: must be a key without spaces\./);
  assert.match(mistakes, /ZAI_BASE_URL: must be an http or https address/);
  assert.equal(mistakes.includes('two words'), false);
  assert.match(mistakesOf({ ZAI_BASE_URL: 'https://api.z.ai/x' }).join(), /ZAI_BASE_URL: there is no Z\.ai engine/);
});

test('the database is a SQLite file under the data folder, the file that is named, or PostgreSQL', () => {
  assert.equal(loadConfig({ DATA_DIR: '/data' }).databaseUrl, 'sqlite:/data/earshot.db');
  assert.equal(loadConfig({ DATABASE_URL: 'sqlite:/books/a.db' }).databaseUrl, 'sqlite:/books/a.db');
  const postgres = { DATABASE_URL: 'postgres://u:p@db:5432/earshot', EARSHOT_KEY_PEPPER: 'x'.repeat(32) };
  assert.equal(loadConfig(postgres).databaseUrl, postgres.DATABASE_URL);
});

test('a database that cannot be told, and PostgreSQL without a pepper, are mistakes that never show the password', () => {
  for (const url of ['mysql://u:secret@h/x', 'sqlite:', 'postgres:', 'secret']) {
    const [mistake = ''] = mistakesOf({ DATABASE_URL: url });
    assert.match(mistake, /^DATABASE_URL: must be sqlite:PATH or postgres/);
    assert.equal(mistake.includes('secret'), false);
  }
  const mistakes = mistakesOf({ DATABASE_URL: 'postgres://u:secret@h/x' });
  assert.equal(mistakes.length, 1);
  assert.match(mistakes.join(), /^EARSHOT_KEY_PEPPER: is needed with PostgreSQL(?!.*secret)/);
});

test('the file takes values from the environment and names what is missing or unknown', () => {
  assert.match(mistakesOfFile({ models: { 'a/b': { engines: ['${NOWHERE}'] } } }).join(), /NOWHERE/);
  assert.match(mistakesOfFile({ modles: {} }).join(), /modles/);
  assert.match(mistakesOfFile({ models: { 'a/b': { engines: ['none'] } } }).join(), /no engine "none"/);
  const config = loadFile({ models: { 'a/b': { engines: ['${NAME}'] } } }, { NAME: 'embedded' });
  assert.deepEqual(enginesOf(config), [[{ embedded: 1 }]]);
});

test('engines of a model stand in order, and several in one place share the work by weights', () => {
  const engines = { a: { type: 'moonshine' }, b: { type: 'moonshine' }, c: { type: 'moonshine' } };
  const modelsWith = (entries: unknown[]) => ({ engines, models: { 'a/b': { engines: entries } } });
  const config = loadFile(modelsWith([{ a: 3, b: 1 }, 'c']), {});
  assert.deepEqual(config.models[0]?.engines, [{ a: 3, b: 1 }, { c: 1 }]);
  for (const entry of [{}, '3 4', ['a'], 7, { a: 1.5 }, { a: '3' }]) {
    assert.match(
      mistakesOfFile(modelsWith([entry])).join(),
      /models\.a\/b\.engines\.0: must be the name of an engine, or names with weights/,
    );
  }
  for (const weight of [0, 1_001]) {
    assert.match(mistakesOfFile(modelsWith([{ a: weight }])).join(), /engines\.0\.a: must be a whole number from 1/);
  }
  assert.match(mistakesOfFile(modelsWith([{ a: 1, d: 1 }])).join(), /no engine "d"/);
});

function mistakesOf(variables: Record<string, string>): readonly string[] {
  try {
    loadConfig(variables);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return assert.fail('the configuration was accepted');
}

function loadFile(content: unknown, variables: Record<string, string> = {}): Config {
  return withFile(content, (path) => loadConfig({ ...variables, EARSHOT_CONFIG: path }));
}

function enginesOf({ models }: Config): Config['models'][number]['engines'][] {
  return models.map(({ engines }) => engines);
}

function baseUrlOf({ engines: { zai } }: Config): string | undefined {
  return zai?.type === 'zai' ? zai.base_url : undefined;
}

function mistakesOfFile(content: unknown): readonly string[] {
  return withFile(content, (path) => mistakesOf({ EARSHOT_CONFIG: path }));
}

function withFile<T extends Config | readonly string[]>(content: unknown, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-config-'));
  try {
    const path = join(folder, 'config.json');
    writeFileSync(path, JSON.stringify(content));
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
