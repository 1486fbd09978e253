import type { Migration } from '../migrate.ts';
import { firstTables } from './0001-first-tables.ts';
import { fewerIndexes } from './0004-fewer-indexes.ts';
import { keyChanges } from './0005-key-changes.ts';
import { money } from './0003-money.ts';
import { jobs } from './0010-jobs.ts';
import { sharedAdmission } from './0002-shared-admission.ts';
import { dashboard } from './0011-dashboard.ts';
import { requestContent } from './0012-request-content.ts';
import { fewerTotals } from './0013-fewer-totals.ts';
import { removedUsers } from './0014-removed-users.ts';

/** Every migration in its order; a new one is added at the end, and none is changed once released. */
export const MIGRATIONS: readonly Migration[] = [
  firstTables,
  sharedAdmission,
  money,
  fewerIndexes,
  keyChanges,
  jobs,
  dashboard,
  requestContent,
  fewerTotals,
  removedUsers,
];
