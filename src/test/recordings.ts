/** The fixtures' table, and recordings that tests build from it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from './running-server.ts';

export const FORMATS = ['wav', 'mp3', 'm4a', 'ogg', 'flac', 'webm'] as const;

export interface Recording {
  readonly name: string;
  readonly voice: string;
  readonly text: string;
}

export function recordings(): Recording[] {
  const [, ...lines] = readFileSync(join(FIXTURES, 'recordings.tsv'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [name = '', voice = '', , , text = ''] = line.split('\t');
    return { name, voice, text };
  });
}

/** The samples of a wav fixture; all of them are mono, 16 kHz, 16 bit. */
export function wavSamples(name: string): Int16Array {
  const bytes = readFileSync(join(FIXTURES, `${name}.wav`));
  const data = bytes.indexOf('data');
  const start = bytes.byteOffset + data + 8;
  return new Int16Array(bytes.buffer.slice(start, start + bytes.readUInt32LE(data + 4)));
}

/** Samples as engines take them. */
export function floatSamples(name: string): Float32Array {
  return Float32Array.from(wavSamples(name), (sample) => sample / 32_768);
}

/** What is said in the samples of a fixture, or in those of `samples/one-second.wav`; nothing in any others. */
export function textOf(samples: Int16Array): string {
  knownTexts ??= new Map([
    ...recordings().map(({ name, text }): [string, string] => [digest(wavSamples(name)), text]),
    [digest(wavSamples('sense-leisure').subarray(0, 16_000)), 'And Mr. John'],
  ]);
  return knownTexts.get(digest(samples)) ?? '';
}

let knownTexts: ReadonlyMap<string, string> | undefined;

function digest(samples: Int16Array): string {
  return createHash('sha256')
    .update(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
    .digest('hex');
}

/** A wav file, mono, 16 kHz, 16 bit. */
export function wavFile(samples: Int16Array): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([head, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}
