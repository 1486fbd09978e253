/** Whether somebody is there: what a page reads by itself while nobody is must not keep their session. */

const AWAY_MS = 5 * 60_000;

let touchedAt = Date.now();

for (const event of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'focus'])
  addEventListener(event, () => (touchedAt = Date.now()), { capture: true, passive: true });

/** For requests that need nobody. */
export function attentionHeaders(): Record<string, string> {
  return Date.now() - touchedAt < AWAY_MS ? {} : { 'x-earshot-unattended': '1' };
}
