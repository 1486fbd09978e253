/** The same call from elsewhere. The key stays out of it: it is named by an environment variable. */

export interface Snippet {
  readonly name: string;
  readonly text: string;
}

export interface CallShown {
  readonly base: string;
  readonly model: string;
  /** A URL, or the name of a file. */
  readonly source: { readonly kind: 'url'; readonly url: string } | { readonly kind: 'file'; readonly name: string };
  readonly language: string;
  readonly prompt: string;
  readonly hotwords: readonly string[];
}

export function snippetsFor(call: CallShown): readonly Snippet[] {
  return call.source.kind === 'url' ? urlSnippets(call, call.source.url) : fileSnippets(call, call.source.name);
}

/** Inside of single quotes in a shell. */
const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function inputsOf({ language, prompt, hotwords }: CallShown) {
  return {
    ...(language === '' ? {} : { language }),
    ...(prompt === '' ? {} : { prompt }),
    ...(hotwords.length === 0 ? {} : { hotwords }),
  };
}

/** JSON as Python writes it, for what is asked here: strings and lists of strings. */
const python = (value: unknown): string => JSON.stringify(value);

function urlSnippets(call: CallShown, url: string): readonly Snippet[] {
  const inputs = { audio: url, ...inputsOf(call), timestamps: 'segment' };
  const body = { model: call.model, inputs };
  return [
    {
      name: 'curl',
      text: `curl ${call.base}/v1/run \\
  -H "Authorization: Bearer $EARSHOT_KEY" \\
  -H "Content-Type: application/json" \\
  -d ${shell(JSON.stringify(body))}`,
    },
    {
      name: 'Python',
      text: `import json, os, urllib.request

request = urllib.request.Request(
    ${python(`${call.base}/v1/run`)},
    data=json.dumps(${python(body)}).encode(),
    headers={
        "Authorization": f"Bearer {os.environ['EARSHOT_KEY']}",
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as reply:
    print(json.load(reply)["text"])`,
    },
    {
      name: 'TypeScript',
      text: `const reply = await fetch(${JSON.stringify(`${call.base}/v1/run`)}, {
  method: 'POST',
  headers: {
    authorization: \`Bearer \${process.env['EARSHOT_KEY']}\`,
    'content-type': 'application/json',
  },
  body: JSON.stringify(${JSON.stringify(body)}),
});
if (!reply.ok) throw new Error(await reply.text());
const { text } = (await reply.json()) as { text: string };
console.log(text);`,
    },
  ];
}

function fileSnippets(call: CallShown, name: string): readonly Snippet[] {
  const fields: readonly (readonly [string, string])[] = [
    ['model', call.model],
    ['response_format', 'verbose_json'],
    ...(call.language === '' ? [] : [['language', call.language] as const]),
    ...(call.prompt === '' ? [] : [['prompt', call.prompt] as const]),
    ...call.hotwords.map((word) => ['keywords', word] as const),
  ];
  const address = `${call.base}/v1/audio/transcriptions`;
  const openai = {
    ...(call.language === '' ? {} : { language: call.language }),
    ...(call.prompt === '' ? {} : { prompt: call.prompt }),
  };
  const pythonMore = Object.entries(openai).map(([key, value]) => `\n        ${key}=${python(value)},`);
  const hotwords = call.hotwords.length === 0 ? '' : `\n        extra_body={"keywords": ${python(call.hotwords)}},`;
  return [
    {
      name: 'curl',
      text: `curl ${address} \\
  -H "Authorization: Bearer $EARSHOT_KEY" \\
  -F ${shell(`file=@${name}`)}${fields.map(([key, value]) => ` \\\n  -F ${shell(`${key}=${value}`)}`).join('')}`,
    },
    {
      name: 'Python',
      text: `import os
from openai import OpenAI

client = OpenAI(base_url=${python(`${call.base}/v1`)}, api_key=os.environ["EARSHOT_KEY"])
with open(${python(name)}, "rb") as file:
    reply = client.audio.transcriptions.create(
        model=${python(call.model)},
        file=file,
        response_format="verbose_json",${pythonMore.join('')}${hotwords}
    )
print(reply.text)`,
    },
    {
      name: 'TypeScript',
      text: `import { readFile } from 'node:fs/promises';

const form = new FormData();
form.set('file', new Blob([await readFile(${JSON.stringify(name)})]), ${JSON.stringify(name)});
${fields.map(([key, value]) => `form.append(${JSON.stringify(key)}, ${JSON.stringify(value)});`).join('\n')}
const reply = await fetch(${JSON.stringify(address)}, {
  method: 'POST',
  headers: { authorization: \`Bearer \${process.env['EARSHOT_KEY']}\` },
  body: form,
});
if (!reply.ok) throw new Error(await reply.text());
const { text } = (await reply.json()) as { text: string };
console.log(text);`,
    },
  ];
}
