import type { Migration } from '../migrate.ts';
import { firstTables } from './0001-first-tables.ts';
import { money } from './0003-money.ts';
import { sharedAdmission } from './0002-shared-admission.ts';

/** Every migration in its order; a new one is added at the end, and none is changed once released. */
export const MIGRATIONS: readonly Migration[] = [firstTables, sharedAdmission, money];
