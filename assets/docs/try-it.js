// The forms of the page: each makes one call and shows what comes back.
const key = document.querySelector('#key');

for (const form of document.querySelectorAll('form.try')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (form.running) form.running.abort();
    else void send(form);
  });
  form.querySelector('.sample')?.addEventListener('click', () => void useSample(form));
}

async function send(form) {
  const button = form.querySelector('button[type=submit]');
  const output = form.querySelector('output');
  const controller = new AbortController();
  form.running = controller;
  button.textContent = 'Stop';
  output.hidden = false;
  show(output, { outcome: 'Sending …', headers: '', body: '' });
  const startedAt = performance.now();
  try {
    const { url, options } = callOf(form);
    const response = await fetch(url, { ...options, signal: controller.signal });
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    const outcome = () =>
      `${response.status} ${response.statusText} · ${((performance.now() - startedAt) / 1000).toFixed(2)} s`;
    output.dataset.ok = response.ok;
    show(output, { outcome: outcome(), headers, body: '' });
    const text = await read(response, (soFar) => show(output, { outcome: outcome(), headers, body: soFar }));
    const cost = costOf(text);
    show(output, { outcome: outcome() + (cost === null ? '' : ` · cost $${cost}`), headers, body: pretty(text) });
  } catch (error) {
    output.dataset.ok = false;
    show(output, { outcome: error.name === 'AbortError' ? 'Stopped.' : error.message, headers: '', body: '' });
  } finally {
    form.running = null;
    button.textContent = 'Send';
  }
}

/** The address and the options of `fetch`, from what the fields hold. Empty fields are left out. */
function callOf(form) {
  const filled = (place) => [...form.querySelectorAll(`[data-in=${place}]`)].filter(({ value }) => value !== '');
  let path = form.dataset.path;
  for (const { name, value } of filled('path')) path = path.replace(`{${name}}`, encodeURIComponent(value));
  const query = new URLSearchParams(filled('query').map(({ name, value }) => [name, value])).toString();
  const headers = new Headers(filled('header').map(({ name, value }) => [name, value]));
  if (form.hasAttribute('data-key') && key.value.trim() !== '')
    headers.set('authorization', `Bearer ${key.value.trim()}`);
  const options = { method: form.dataset.method, headers };
  if (form.dataset.body === 'application/json') {
    headers.set('content-type', 'application/json');
    options.body = form.elements.json.value;
  } else if (form.dataset.body !== '') {
    options.body = new FormData();
    for (const { name, value } of filled('form')) options.body.append(name, value);
    for (const { name, files } of filled('file')) options.body.append(name, files[0]);
  }
  return { url: query === '' ? path : `${path}?${query}`, options };
}

/** The whole body as text; what is there of a stream is told as it grows. */
async function read(response, onGrowth) {
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) return response.text();
  const decoder = new TextDecoder();
  let text = '';
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    onGrowth(text);
  }
}

/** The sample goes into the form as a file, or into the JSON as a data URL. */
async function useSample(form) {
  const sample = await (await fetch('/docs/sample.mp3')).blob();
  const picker = form.querySelector('input[type=file]');
  if (picker) {
    const files = new DataTransfer();
    files.items.add(new File([sample], 'sample.mp3', { type: 'audio/mpeg' }));
    picker.files = files.files;
    return;
  }
  const bytes = new Uint8Array(await sample.arrayBuffer());
  const audio = `data:audio/mpeg;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
  const body = parsed(form.elements.json.value) ?? { model: 'glm/glm-asr-2512' };
  form.elements.json.value = JSON.stringify({ ...body, inputs: { ...body.inputs, audio } }, null, 2);
}

/** Of a reply, of a job's result, or of the last event of a stream. */
function costOf(text) {
  const last = text.startsWith('data: ') ? text.trim().split('\n\n').at(-1).slice('data: '.length) : text;
  const body = parsed(last);
  return body?.cost_usd ?? body?.result?.cost_usd ?? null;
}

function pretty(text) {
  const value = parsed(text);
  return value === null ? text : JSON.stringify(value, null, 2);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function show(output, { outcome, headers, body }) {
  output.querySelector('.outcome').textContent = outcome;
  output.querySelector('.headers').textContent = headers;
  output.querySelector('.body').textContent = body;
}
