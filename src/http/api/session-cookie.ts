/**
 * The cookie that holds a session's id. Scripts don't see it, and other sites can't make a browser send it. Behind an https
 * address it is `Secure` and its name begins with `__Host-`, so that no other host of the domain can set it.
 */

const NAME = 'earshot_session';

function nameFor(publicUrl: string | null): string {
  return isSecure(publicUrl) ? `__Host-${NAME}` : NAME;
}

function isSecure(publicUrl: string | null): boolean {
  return publicUrl !== null && new URL(publicUrl).protocol === 'https:';
}

export function sessionCookie(sessionId: string, publicUrl: string | null): string {
  return [`${nameFor(publicUrl)}=${sessionId}`, ...attributes(publicUrl)].join('; ');
}

/** Makes a browser forget it. */
export function endedSessionCookie(publicUrl: string | null): string {
  return [`${nameFor(publicUrl)}=`, ...attributes(publicUrl), 'Max-Age=0'].join('; ');
}

function attributes(publicUrl: string | null): string[] {
  return ['Path=/', 'HttpOnly', 'SameSite=Strict', ...(isSecure(publicUrl) ? ['Secure'] : [])];
}

/** The session's id; null where none was sent. */
export function readSessionCookie(headers: Pick<Headers, 'get'>, publicUrl: string | null): string | null {
  const name = nameFor(publicUrl);
  for (const part of (headers.get('cookie') ?? '').split(';')) {
    const [key = '', ...value] = part.trim().split('=');
    if (key === name) return value.join('=');
  }
  return null;
}
