/** The client as others get it: packed, resolved and typed in every way of importing, and without anything of Node. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { ROOT } from './running-server.ts';

const run = promisify(execFile);
let folder: string;
let tarball: Uint8Array;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'earshot-package-'));
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const [name = ''] = await readdir(folder);
  tarball = await readFile(join(folder, name));
});

after(() => rm(folder, { recursive: true, force: true }));

test('publint finds nothing', async () => {
  const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) as ArrayBuffer;
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});

test('the types fit what is imported, in Node and in bundlers', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(tarball));
  assert.ok(analysis.types !== false, 'there are types');
  const { './client': client } = analysis.entrypoints;
  assert.ok(client?.resolutions.bundler.resolution?.isTypeScript);
  // `moduleResolution: node10` does not know `exports`, and CommonJS has to use `import()`: so it is with every ESM package.
  const accepted = ['NoResolution node10', 'CJSResolvesToESM node16-cjs'];
  const problems = analysis.problems
    .map((problem) => ('resolutionKind' in problem ? `${problem.kind} ${problem.resolutionKind}` : problem.kind))
    .filter((problem) => !accepted.includes(problem));
  assert.deepEqual(problems, []);
});

test('the package imports itself by its name', async () => {
  const program =
    "import { Earshot } from 'earshot/client'; console.log(typeof new Earshot({ baseUrl: 'x', key: 'y' }).run);";
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
  assert.equal(stdout, 'function\n');
});
