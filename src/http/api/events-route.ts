/** The stream of server-sent events that a page listens to for as long as it is open. */
import { AppError } from '../../core/errors.ts';
import type { Route } from '../app.ts';
import { overviewQuery } from './contract.ts';
import type { EventHub, Listener } from './event-hub.ts';
import { accountOf, EVERYBODY, queryOf } from './guard.ts';
import type { ApiServices } from './api-services.ts';

/** A reader that is so far behind is let go; it comes back by itself and reads anew. */
const UNREAD_EVENTS_MAX = 200;

export function eventsRoute({ guard, sessions }: Pick<ApiServices, 'guard' | 'sessions'>, hub: EventHub): Route {
  return guard.route('GET', '/api/events', EVERYBODY, (call) => {
    const accountId = accountOf(call, queryOf(call, overviewQuery).account);
    const { userId } = call.viewer;
    if (!hub.makeRoom(userId)) throw new AppError('overloaded', { detail: 'Too many pages listen.' });
    const mayListen = async (): Promise<boolean> => (await sessions.look(call.sessionId)) !== null;
    const stream = openStream({ userId, accountId, mayListen }, hub);
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies that gather a reply before they pass it on would take the stream away.
      'x-accel-buffering': 'no',
    };
    return Promise.resolve(new Response(stream, { headers }));
  });
}

function openStream(
  who: Pick<Listener, 'userId' | 'accountId' | 'mayListen'>,
  hub: EventHub,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let listener: Listener | null = null;
  const leave = (): void => {
    if (listener !== null) hub.remove(listener);
    listener = null;
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          if (listener === null) return;
          leave();
          controller.close();
        };
        const created: Listener = {
          ...who,
          end,
          send(name, data) {
            if (listener === null) return;
            controller.enqueue(encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
            if ((controller.desiredSize ?? 0) <= 0) end();
          },
        };
        listener = created;
        hub.add(created);
      },
      cancel: leave,
    },
    { highWaterMark: UNREAD_EVENTS_MAX },
  );
}
