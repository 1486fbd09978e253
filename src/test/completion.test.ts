/** Completion as a person meets it: bash itself is asked, with the script that the program prints. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { runCommand, runProgram } from './running-server.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'earshot-completion-'));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'long talk.mp3'), '');
const script = await runProgram(['completion', 'bash'], { PATH: process.env['PATH'] });

/** What bash offers for the last of these words. */
async function completed(...words: string[]): Promise<string[]> {
  const program = `${script.stdout}
    COMP_WORDS=(earshot "$@"); COMP_CWORD=$#; _earshot; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', program, 'bash', ...words], { cwd: folder });
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, their second words, options, choices and files', async () => {
  assert.deepEqual(await completed('tr'), ['transcribe']);
  assert.deepEqual(await completed('ledger', ''), ['verify', 'explain']);
  assert.deepEqual(await completed('key', 'create', '--ca'), ['--cap-usd']);
  assert.deepEqual(await completed('transcribe', '--format', ''), ['json', 'text', 'srt', 'vtt']);
  assert.deepEqual(await completed('transcribe', 'lo'), ['long talk.mp3']);
  assert.deepEqual(await completed('transcribe', 'a.mp3', '--output', 'lo'), ['long talk.mp3']);
  assert.deepEqual(await completed('completion', ''), ['bash', 'zsh', 'fish', '--help']);
  assert.deepEqual(await completed('key', 'create', '--name', ''), []);
});

test('every command is completed, with every option of its help', async () => {
  const { stdout } = await runCommand(['--help'], {});
  const names = [...stdout.matchAll(/^ {2}(\S+(?: \S+)?) {2,}/gm)].map(([, name = '']) => name);
  assert.ok(names.length > 15);
  for (const name of names) {
    const words = name.split(' ');
    assert.ok((await completed(...words)).includes(words.at(-1) ?? ''), name);
    assert.ok((await completed(...words, '--')).includes('--help'), name);
  }
  // One help with each kind of option; all of them come from the same table.
  for (const words of [['transcribe'], ['key', 'create']]) {
    const help = await runCommand([...words, '--help'], {});
    const options = [...help.stdout.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, option = '']) => option);
    assert.deepEqual(await completed(...words, '--'), options);
  }
});

test('zsh and fish have scripts of their own, and an unknown shell is said to be that', async () => {
  assert.match((await runProgram(['completion', 'zsh'])).stdout, /^#compdef earshot\n.*bashcompinit\n/);
  const fish = await runProgram(['completion', 'fish']);
  assert.match(fish.stdout, /^complete -c earshot .* -l format -x -a 'json text srt vtt' -d /m);
  const { code, stderr } = await runProgram(['completion', 'tcsh']);
  assert.equal(code, 2);
  assert.match(stderr, /one of bash, zsh, fish/);
});
