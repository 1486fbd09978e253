/** All routes below `/api`. */
import { AppError } from '../../core/errors.ts';
import type { Route } from '../app.ts';
import { billingRoutes } from './billing-routes.ts';
import type { EventHub } from './event-hub.ts';
import { eventsRoute } from './events-route.ts';
import { EVERYBODY } from './guard.ts';
import { jobApiRoutes } from './job-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { logInRoutes } from './log-in-routes.ts';
import { operatorRoutes } from './operator-routes.ts';
import { playgroundRoute, type PlaygroundServices } from './playground-route.ts';
import { priceRoutes } from './price-routes.ts';
import type { ApiServices } from './api-services.ts';
import { usageRoutes } from './usage-routes.ts';

export function apiRoutes(services: ApiServices, playground: PlaygroundServices, hub: EventHub): Route[] {
  return [
    ...logInRoutes(services),
    ...usageRoutes(services),
    ...keyRoutes(services),
    ...priceRoutes(services),
    ...billingRoutes(services),
    ...jobApiRoutes(services),
    ...operatorRoutes(services),
    playgroundRoute(playground),
    eventsRoute(services, hub),
    // Who has no session is told that first, whatever they ask for.
    services.guard.route('GET', '/api/*', EVERYBODY, () => Promise.reject(new AppError('not_found'))),
  ];
}
