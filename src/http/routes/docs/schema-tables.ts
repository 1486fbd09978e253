/** JSON schemas as tables for people. */
import { html } from 'hono/html';
import type { Schema } from './described.ts';

export type Html = ReturnType<typeof html>;

/** What stands between backticks is code. */
export function prose(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** The members of an object, those of objects inside of it under their whole names. */
export function memberTable(schema: Schema): Html {
  return html`<div class="table">
    <table>
      <tbody>
        ${memberRows(schema, '')}
      </tbody>
    </table>
  </div>`;
}

function memberRows({ properties = {}, required = [] }: Schema, prefix: string): Html[] {
  return Object.entries(properties).flatMap(([name, member]) => [
    memberRow(`${prefix}${name}`, member, required.includes(name)),
    ...memberRows(memberOf(member), `${prefix}${name}${member.items === undefined ? '' : '[]'}.`),
  ]);
}

/** The object whose members are shown below; what has a name of its own is linked instead. */
function memberOf({ items, anyOf, ...schema }: Schema): Schema {
  return items ?? anyOf?.find(({ type }) => type === 'object') ?? schema;
}

export function memberRow(name: string, schema: Schema, required: boolean): Html {
  const note = [schema.description ?? '', bounds(schema)].filter((part) => part !== '').join(' ');
  return html`<tr>
    <th scope="row"><code>${name}</code>${required ? html` <span class="must">required</span>` : ''}</th>
    <td class="type">${typeOf(schema)}</td>
    <td>${prose(note)}</td>
  </tr>`;
}

function bounds({ default: standard, maxLength, maxItems, minLength }: Schema): string {
  const parts: string[] = [];
  if (maxLength !== undefined) parts.push(`${minLength ?? 0} to ${maxLength.toLocaleString('en')} characters.`);
  if (maxItems !== undefined) parts.push(`At most ${maxItems}.`);
  const isEmpty = Array.isArray(standard) && standard.length === 0;
  if (standard !== undefined && !isEmpty) parts.push(`Default \`${JSON.stringify(standard)}\`.`);
  return parts.join(' ');
}

export function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const several = schema.anyOf ?? schema.oneOf;
  if (several !== undefined)
    return html`${several.map((one, index) => html`${index > 0 ? ' or ' : ''}${typeOf(one)}`)}`;
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined && schema.enum.length < 12) {
    return html`${schema.enum.map((value, index) => html`${index > 0 ? ' · ' : ''}<code>${value}</code>`)}`;
  }
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}`;
  if (schema.contentSchema !== undefined) return html`events: ${typeOf(schema.contentSchema)}`;
  return html`${schema.contentMediaType === undefined ? [schema.type ?? 'any'].flat().join(' or ') : 'file'}`;
}
