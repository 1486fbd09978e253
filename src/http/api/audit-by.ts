import type { AuditEntry } from '../../access/audit.ts';
import type { ApiCall } from './guard.ts';

/** The row of the audit log for something that the caller does. */
export function auditBy(
  { viewer, client }: Pick<ApiCall, 'viewer' | 'client'>,
  accountId: string | null,
  action: string,
  target: string | null,
  detail: AuditEntry['detail'],
): AuditEntry {
  return { userId: viewer.userId, address: client.address, accountId, action, target, detail };
}
