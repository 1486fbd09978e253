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

test('what this version lacks is refused by name', () => {
  assert.match(mistakesOf({ ZAI_API_KEY: 'x.y' }).join(), /ZAI_API_KEY/);
  assert.match(mistakesOfFile({ engines: { zai: { type: 'zai' } } }).join(), /engines\.zai/);
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
  const config = withFile({ models: { 'a/b': { engines: ['${NAME}'] } } }, (path) =>
    loadConfig({ EARSHOT_CONFIG: path, NAME: 'embedded' }),
  );
  assert.deepEqual(
    config.models.map(({ engines }) => engines),
    [['embedded']],
  );
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
