/** Reading replies that others own: what is missing or of another kind is undefined, never an exception. */

export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

export function stringMember(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** A whole number that is not negative, such as a count of tokens. */
export function countMember(value: unknown, name: string): number | undefined {
  const found = member(value, name);
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : undefined;
}

export function listMember(value: unknown, name: string): readonly unknown[] | undefined {
  const found = member(value, name);
  return Array.isArray(found) ? found : undefined;
}

/** An error code, which some vendors write as a number and some as a string. */
export function codeMember(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
