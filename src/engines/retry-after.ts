/** `Retry-After` in milliseconds from now: seconds or a date (RFC 9110, 10.2.3). Undefined where it is neither. */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Math.ceil(Number(text) * 1000);
  // Every form of a date in HTTP begins with the day of the week; `Date.parse` alone would take "7e3" and "2030".
  const time = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}
