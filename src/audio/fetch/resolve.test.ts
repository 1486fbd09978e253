import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { createResolver } from './resolve.ts';

const NEVER = new AbortController().signal;
const TYPE = { A: 1, CNAME: 5, AAAA: 28 } as const;

interface DnsRecord {
  readonly name: string;
  readonly type: keyof typeof TYPE;
  readonly data: Buffer;
}

/** A DNS server on the loopback address; no answer at all where `answer` gives null. */
async function serveDns(answer: (name: string, type: number) => readonly DnsRecord[] | null) {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  socket.on('message', (query, from) => {
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const name = readName(question);
    questions.push(name);
    const records = answer(name, question.readUInt16BE(question.length - 4));
    if (records === null) return;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(records.length === 0 && name.startsWith('nowhere') ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, question, ...records.map(writeRecord)]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    server: `127.0.0.1:${socket.address().port}`,
    questions,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function readName(question: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; question[at] !== 0 && question[at] !== undefined; at += (question[at] ?? 0) + 1)
    labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] ?? 0)));
  return labels.join('.');
}

function writeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

function writeRecord({ name, type, data }: DnsRecord): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPE[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(name), fixed, data]);
}

test('all addresses of a name are given, IPv4 first, and the name is asked for as it is', async () => {
  await using dns = await serveDns((name, type) =>
    type === TYPE.A
      ? [
          { name, type: 'A', data: Buffer.of(8, 8, 8, 8) },
          { name, type: 'A', data: Buffer.of(10, 0, 0, 1) },
        ]
      : [{ name, type: 'AAAA', data: Buffer.from('26064700000000000000000000001111', 'hex') }],
  );
  const addresses = await createResolver([dns.server])('audio.example.com', 'public', NEVER);
  assert.deepEqual(addresses.toSorted(), ['10.0.0.1', '2606:4700::1111', '8.8.8.8']);
  assert.equal(addresses[2], '2606:4700::1111');
  assert.deepEqual(new Set(dns.questions), new Set(['audio.example.com']));
});

test('a chain of aliases ends in the addresses that are judged', async () => {
  await using dns = await serveDns((name, type) => [
    { name, type: 'CNAME', data: writeName('alias.example.com') },
    { name: 'alias.example.com', type: 'CNAME', data: writeName('inside.example.com') },
    ...(type === TYPE.A ? [{ name: 'inside.example.com', type: 'A' as const, data: Buffer.of(127, 0, 0, 1) }] : []),
  ]);
  assert.deepEqual(await createResolver([dns.server])('audio.example.com', 'public', NEVER), ['127.0.0.1']);
});

test('a name of one family only is found, and one of neither is not', async () => {
  await using dns = await serveDns((name, type) =>
    name === 'six.example.com' && type === TYPE.AAAA
      ? [{ name, type: 'AAAA', data: Buffer.from('26064700000000000000000000000001', 'hex') }]
      : [],
  );
  const resolve = createResolver([dns.server]);
  assert.deepEqual(await resolve('six.example.com', 'public', NEVER), ['2606:4700::1']);
  await assert.rejects(resolve('nowhere.example.com', 'public', NEVER), { code: 'ENOTFOUND' });
  await assert.rejects(resolve('empty.example.com', 'public', NEVER), { code: 'ENODATA' });
});

test('an abort cancels the question', async () => {
  const controller = new AbortController();
  await using dns = await serveDns(() => (controller.abort(), null));
  await assert.rejects(createResolver([dns.server])('slow.example.com', 'public', controller.signal), {
    code: 'ECANCELLED',
  });
});

test('a name of the operator is found as the machine finds it', async () => {
  const addresses = await createResolver()('localhost', 'own', NEVER);
  assert.ok(addresses.every((address) => address === '127.0.0.1' || address === '::1'));
  assert.ok(addresses.length > 0);
});
