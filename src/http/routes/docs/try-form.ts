/** A form that makes one call of the API from the page. What it does is in `assets/docs/try-it.js`. */
import { html } from 'hono/html';
import type { DescribedOperation, Parameter, Schema } from './described.ts';
import type { Html } from './schema-tables.ts';

export function tryForm(method: string, path: string, operation: DescribedOperation): Html {
  const [contentType = '', body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const takesAudio = body !== undefined;
  return html`<form
    class="try"
    data-method="${method.toUpperCase()}"
    data-path="${path}"
    data-body="${contentType}"
    ${operation.security.some((scheme) => 'bearer' in scheme) ? html` data-key` : ''}
  >
    <h4>Try it</h4>
    ${(operation.parameters ?? []).map(parameterField)}
    ${body === undefined ? '' : contentType === 'application/json' ? jsonField(body.example) : formFields(body.schema, body.example)}
    <div class="buttons">
      <button type="submit">Send</button
      >${takesAudio ? html`<button type="button" class="sample">Use the sample recording</button>` : ''}
    </div>
    <output hidden aria-live="polite"
      ><p class="outcome"></p>
      <details>
        <summary>Headers</summary>
        <pre class="headers"></pre>
      </details>
      <pre class="body" tabindex="0"></pre>
    </output>
  </form>`;
}

function parameterField({ name, in: place, schema, example }: Parameter): Html {
  return field(name, schema, { 'data-in': place, placeholder: example ?? '' });
}

function jsonField(example: object): Html {
  return html`<label
    >Body<textarea name="json" rows="8" spellcheck="false">${JSON.stringify(example, null, 2)}</textarea>
  </label>`;
}

function formFields({ properties = {} }: Schema, example: object): Html {
  const values = example as Readonly<Record<string, string>>;
  const shown = Object.entries(properties).filter(([, { description = '' }]) => !description.startsWith('Taken for'));
  return html`${shown.map(([name, schema]) =>
    schema.contentMediaType === undefined
      ? field(name, schema, { 'data-in': 'form', value: values[name] ?? '' })
      : html`<label>${name}<input type="file" name="${name}" data-in="file" /></label>`,
  )}`;
}

function field(name: string, schema: Schema, attributes: Readonly<Record<string, string>>): Html {
  const choices = schema.enum ?? schema.items?.enum;
  const written = Object.entries(attributes).map(([attribute, value]) => html` ${attribute}="${value}"`);
  if (choices === undefined) return html`<label>${name}<input name="${name}" autocomplete="off" ${written} /></label>`;
  const options = ['', ...choices].map(
    (choice) => html`<option${choice === attributes['value'] ? html` selected` : ''}>${choice}</option>`,
  );
  return html`<label
    >${name}<select name="${name}" ${written}>
      ${options}
    </select></label
  >`;
}
