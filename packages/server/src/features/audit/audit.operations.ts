/** The API of the audit log. */
import {
  AUDIT_OUTCOMES,
  AuditRecord,
  AuditVerification,
  Page,
  Timestamp,
  Type,
} from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { AuditService } from './audit.service.ts';
import type { AuditLog } from './audit-log.ts';

const Name = Type.String({ minLength: 1, maxLength: 256 });

export function auditOperations({
  audit,
  auditService,
}: {
  audit: AuditLog;
  auditService: AuditService;
}): Operation[] {
  return [
    operation({
      id: 'audit.list',
      summary: 'Who did what, newest first',
      kind: 'unary',
      effect: 'read',
      permission: 'audit:read',
      rest: { method: 'GET', path: '/audit', tag: 'audit' },
      query: Type.Object({
        ...pageQuery,
        actor: Type.Optional(Name),
        action: Type.Optional(Name),
        object: Type.Optional(Name),
        outcome: Type.Optional(Type.Enum([...AUDIT_OUTCOMES])),
        from: Type.Optional(Timestamp),
        to: Type.Optional(Timestamp),
        q: Type.Optional(Name),
      }),
      output: Page(AuditRecord),
      run: ({ query }, call) => auditService.list(call.db, query),
    }),
    operation({
      id: 'audit.verify',
      summary: 'Is the log whole? A stretch of the chain a call, the first bad row by name',
      kind: 'unary',
      effect: 'read',
      permission: 'audit:read',
      rest: { method: 'GET', path: '/audit/verify', limitPerMinute: 600, tag: 'audit' },
      query: Type.Object({ cursor: pageQuery.cursor }),
      output: AuditVerification,
      run: ({ query }, call) => auditService.verify(call.db, query.cursor),
    }),
    operation({
      id: 'audit.export',
      summary: 'Rows, chain, checkpoints and public keys, to be verified without the server',
      kind: 'stream',
      effect: 'read',
      permission: 'audit:read',
      rest: { method: 'GET', path: '/audit/export', limitPerMinute: 30, tag: 'audit' },
      query: Type.Object({ from: Type.Optional(Timestamp), to: Type.Optional(Timestamp) }),
      // Lines of NDJSON; what is in them is `ExportHeader`, `ExportEntry` … of the keyring.
      output: Type.Unknown(),
      run: async ({ query }, call) => {
        // Who takes the log out of the house is on record before the first line leaves.
        await audit.record(call.db, {
          caller: call.caller,
          action: 'audit.export',
          outcome: 'ok',
          details: { ...query },
          remote: call.remote,
          userAgent: call.userAgent,
          requestId: call.requestId,
        });
        return auditService.export(call.db, query);
      },
    }),
    operation({
      id: 'audit.erase',
      summary: 'Erase what the log says of a person; what they did stays',
      kind: 'unary',
      effect: 'write',
      permission: 'audit:erase',
      rest: { method: 'POST', path: '/audit/erase', tag: 'audit' },
      body: Type.Object({ actor: Name }, { additionalProperties: false }),
      output: Type.Object({ erasure_id: Type.String(), parts: Type.Integer() }),
      run: async ({ body }, call) => {
        const done = await auditService.erase(call.db, body.actor);
        call.audit({ details: { ...done } });
        return done;
      },
    }),
  ];
}
