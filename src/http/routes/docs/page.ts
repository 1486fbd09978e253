/** The OpenAPI document as one page that stands alone: nothing is loaded from elsewhere, all text is escaped. */
import { html, raw } from 'hono/html';
import type { JsonObject } from '../../openapi/document.ts';
import type { Described, DescribedOperation, DescribedResponse, Parameter, Schema } from './described.ts';
import { memberRow, memberTable, prose, typeOf, type Html } from './schema-tables.ts';
import { tryForm } from './try-form.ts';

interface Place {
  readonly method: string;
  readonly path: string;
  readonly operation: DescribedOperation;
}

export async function renderPage(document: JsonObject, assets: { style: string; script: string }): Promise<string> {
  const described = document as unknown as Described;
  const { info, tags, components } = described;
  const places = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const sections = tags.map((tag) => ({
    ...tag,
    places: places.filter(({ operation }) => operation.tags[0] === tag.name),
  }));
  // Both are put in as they are: the policy allows them by their digests.
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${info.title} API</title>
        <link rel="icon" href="data:," />
        ${raw(`<style>${assets.style}</style>`)}
      </head>
      <body>
        <header class="top">
          <a class="name" href="#top">${info.title}</a>
          <label class="key"
            >Key <input id="key" type="password" autocomplete="off" spellcheck="false" placeholder="esw_…"
          /></label>
          <a href="/openapi.json">openapi.json</a>
        </header>
        <div class="columns">
          <nav aria-label="Endpoints">
            ${sections.map(
              ({ name, places: some }) =>
                html`<h2>${name}</h2>
                  <ul>
                    ${some.map(navigationEntry)}
                  </ul>`,
            )}
            <h2><a href="#schemas">Schemas</a></h2>
          </nav>
          <main id="top">
            <h1>${info.summary}</h1>
            <p class="lead">${prose(info.description)}</p>
            <p class="lead">
              Send your key as <code>Authorization: Bearer KEY</code> or <code>x-api-key: KEY</code>. The field above is
              for the forms on this page: the key stays in this tab and goes to this server only. Calls that you try are
              charged like any other.
            </p>
            ${sections.map(
              ({ name, description, places: some }) =>
                html`<section>
                  <h2>${name}</h2>
                  <p>${prose(description)}</p>
                  ${some.map(article)}
                </section>`,
            )}
            <section id="schemas">
              <h2>Schemas</h2>
              ${Object.entries(components.schemas).map(schemaSection)}
            </section>
          </main>
        </div>
        ${raw(`<script>${assets.script}</script>`)}
      </body>
    </html> `;
  return String(await page);
}

function navigationEntry({ method, path, operation }: Place): Html {
  if (operation.deprecated === true) return html``;
  return html`<li>
    <a href="#${operation.operationId}"><b class="${method}">${method.toUpperCase()}</b> ${path.replace('/v1/', '')}</a>
  </li>`;
}

function article({ method, path, operation }: Place): Html {
  const { operationId, summary, description, deprecated, parameters = [], requestBody, responses } = operation;
  const good = Object.entries(responses).filter(([status, response]) => !isRefusal(status, response));
  const refusals = Object.entries(responses).filter(([status, response]) => isRefusal(status, response));
  return html`<article id="${operationId}">
    <div class="about">
      <h3><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code></h3>
      <p class="summary">${summary}${deprecated === true ? html` <span class="must">deprecated</span>` : ''}</p>
      <p>${prose(description)}</p>
      ${parameters.length === 0 ? '' : parameterTable(parameters)}
      ${Object.entries(requestBody?.content ?? {}).map(
        ([type, { schema }]) =>
          html`<h4>Body <small>${type}</small></h4>
            ${memberTable(schema)}`,
      )}
      <h4>Replies</h4>
      ${good.map(replyEntry)}
      ${
        refusals.length === 0
          ? ''
          : html`<details>
              <summary>Errors <small>${refusals.map(([status]) => status).join(' ')}</small></summary>
              ${refusals.map(refusalEntry)}
            </details>`
      }
    </div>
    ${tryForm(method, path, operation)}
  </article>`;
}

function isRefusal(status: string, { content }: DescribedResponse): boolean {
  return Number(status) >= 400 && content['application/json']?.schema.allOf !== undefined;
}

function parameterTable(parameters: readonly Parameter[]): Html {
  return html`<h4>Parameters</h4>
    <div class="table">
      <table>
        <tbody>
          ${parameters.map(({ name, in: place, required, schema, description }) =>
            memberRow(
              name,
              { ...schema, description: [`In the ${place}.`, description ?? ''].join(' ').trim() },
              required === true,
            ),
          )}
        </tbody>
      </table>
    </div>`;
}

function replyEntry([status, { description, headers, content }]: [string, DescribedResponse]): Html {
  return html`<div class="reply">
    <p><b class="status">${status}</b> ${prose(description)}</p>
    <ul>
      ${Object.entries(content).map(([type, { schema }]) => html`<li><code>${type}</code> ${typeOf(schema)}</li>`)}
    </ul>
    <p class="quiet">
      Headers: ${Object.keys(headers).map((name, index) => html`${index > 0 ? ', ' : ''}<code>${name}</code>`)}
    </p>
  </div>`;
}

function refusalEntry([status, { description }]: [string, DescribedResponse]): Html {
  return html`<div class="reply">
    <p><b class="status bad">${status}</b></p>
    <ul>
      ${description.split('\n\n').map((sentence) => html`<li>${prose(sentence)}</li>`)}
    </ul>
  </div>`;
}

function schemaSection([name, schema]: [string, Schema]): Html {
  return html`<article class="schema" id="schema-${name}">
    <div class="about">
      <h3>${name}</h3>
      ${schema.description === undefined ? '' : html`<p>${prose(schema.description)}</p>`}
      ${
        schema.properties === undefined
          ? html`<p>${typeOf(schema)}</p>
              ${(schema.anyOf ?? []).map(memberTable)}`
          : memberTable(schema)
      }
    </div>
  </article>`;
}
