import { test, type TestContext } from 'node:test';
import { DATABASES, type DatabaseName } from './temporary-store.ts';

/** For tests: a test for each database, so that what holds on one is shown on all. */
export function testOnEach(name: string, body: (database: DatabaseName, context: TestContext) => Promise<void>): void {
  for (const database of DATABASES) test(`${name} (${database})`, (context) => body(database, context));
}
