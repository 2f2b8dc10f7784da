/** What happens to packages: found, approved, rejected, registered, gone. */
import type { AgentPackage, PackageFault } from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import {
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  toPage,
} from '../../kernel/paging.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import {
  type Approval,
  decide,
  type PackageRow,
  type PackageState,
  type Verdict,
} from './package.ts';
import * as store from './packages.store.ts';

export interface PackagesService {
  list(db: Executor, query: PageRequest & { state?: PackageState }): Promise<Page<AgentPackage>>;
  /**
   * Lets the files last judged run.
   * @param digest of the files that were looked at: others, judged since, are not approved unseen
   * @throws {OpmasError} OPMAS_PACKAGE_NOT_FOUND; OPMAS_CONFLICT when it is invalid, has another digest
   *   by now, or the name is ambiguous; OPMAS_AGENT_NAME_TAKEN when another package has the agent name.
   */
  approve(db: Executor, name: string, by: string, digest?: string): Promise<AgentPackage>;
  /**
   * Ignores a package that waits.
   * @throws {OpmasError} OPMAS_PACKAGE_NOT_FOUND; OPMAS_ILLEGAL_TRANSITION when it is approved already.
   */
  reject(db: Executor, name: string): Promise<AgentPackage>;
  /** The package's agent was deleted: ignored until approved again. */
  ignore(path: string): Promise<void>;
  /** Does another package, not in `vanished`, have this one's agent name? */
  isNameTaken(
    row: Pick<PackageRow, 'name' | 'path'>,
    vanished: readonly string[],
  ): Promise<boolean>;
  /** Every package, absent ones too. */
  all(): Promise<PackageRow[]>;
  /**
   * Writes what judging found, and the state that follows. Unchanged facts write nothing. A package in
   * `vanished` holds no name any more.
   */
  record(
    verdict: Verdict,
    context: { nameLine: number | undefined; vanished: readonly string[] },
  ): Promise<PackageRow>;
  /**
   * The agent of this digest exists. `superseded`: another digest was approved meanwhile; `withdrawn`:
   * none is any more, so the agent must not be.
   */
  markRegistered(
    path: string,
    digest: string,
    agentId: string,
  ): Promise<'registered' | 'superseded' | 'withdrawn'>;
  /** Registering failed for a reason a person must know; it will be tried again. */
  markRefused(path: string, fault: PackageFault): Promise<void>;
  /** The folder is gone. `moved`: its agent lives on from another folder. */
  markGone(path: string, options: { moved: boolean }): Promise<void>;
}

/** Faults that hold only against what was approved or registered before. */
const RELATIVE = new Set(['version_unchanged', 'registration_refused']);

export function createPackagesService(options: {
  database: Database;
  audit: Pick<AuditLog, 'record'>;
  clock: Clock;
  approval: Approval;
}): PackagesService {
  const { database, audit, clock, approval } = options;
  const now = () => new Date(clock.now());

  return {
    list: async (db, query) => {
      const limit = pageLimit(query);
      const [folder = '', path = ''] =
        query.cursor === undefined ? [] : decodeCursor(query.cursor, 2);
      const rows = await store.pageOfPackages(db, {
        limit: limit + 1,
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.cursor === undefined ? {} : { after: [folder, path] }),
      });
      return toPage(rows, limit, toAgentPackage, (row) => [row.folder, row.path]);
    },

    approve: async (db, name, by, digest) => {
      const row = await theOne(db, name);
      if (digest !== undefined && digest !== row.digest) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          `The files of ${name} are now ${row.digest ?? 'unreadable'}, not ${digest}; look at them again`,
        );
      }
      if (row.digest === null || row.errors.some((fault) => !RELATIVE.has(fault.code))) {
        throw new OpmasError('OPMAS_CONFLICT', `${name} is invalid; repair it first`, {
          errors: row.errors.map(({ code, message }) => ({ path: code, message })),
        });
      }
      if (row.state === 'invalid') {
        throw new OpmasError('OPMAS_CONFLICT', row.errors[0]?.message ?? `${name} is invalid`);
      }
      if (row.approved_digest === row.digest && row.state !== 'ignored') return toAgentPackage(row);
      const holder = row.name === null ? undefined : await store.holderOf(db, row.name, row.path);
      if (holder !== undefined) {
        throw new OpmasError(
          'OPMAS_AGENT_NAME_TAKEN',
          `The agent name ${row.name} belongs to the package ${holder.folder}`,
        );
      }
      const at = now();
      const approved = { approved_digest: row.digest, approved_by: by, approved_at: at };
      const change = { state: 'valid' as const, ...approved, errors: [] };
      await store.changePackage(db, row.path, change, at);
      return toAgentPackage({ ...row, ...change, updated_at: at });
    },

    reject: async (db, name) => {
      const row = await theOne(db, name);
      if (row.state === 'ignored') return toAgentPackage(row);
      const undecided = row.state === 'waiting' || row.approved_digest === null;
      if (!undecided) {
        throw new OpmasError(
          'OPMAS_ILLEGAL_TRANSITION',
          `${name} is approved and nothing newer waits; delete its agent to be rid of it`,
        );
      }
      const at = now();
      await store.changePackage(db, row.path, { state: 'ignored' }, at);
      return toAgentPackage({ ...row, state: 'ignored', updated_at: at });
    },

    ignore: (path) =>
      database.transaction(async (tx) => {
        const row = await store.lockPackage(tx, path);
        if (row === undefined) return;
        const change = { state: 'ignored', ...NOT_APPROVED, agent_id: null } as const;
        const errors = row.errors.filter((fault) => !RELATIVE.has(fault.code));
        await store.changePackage(tx, path, { ...change, errors }, now());
      }),

    isNameTaken: async ({ name, path }, vanished) =>
      name !== null && (await store.holderOf(database.pool, name, path, vanished)) !== undefined,

    all: () => store.allPackages(database.pool),

    record: (verdict, context) =>
      database.transaction(async (tx) => {
        const before = await store.lockPackage(tx, verdict.path);
        const errors = [...verdict.errors];
        const holder =
          errors.length > 0 || verdict.name === null
            ? undefined
            : await store.holderOf(tx, verdict.name, verdict.path, context.vanished);
        if (holder !== undefined && before?.state !== 'ignored') {
          errors.push({
            code: 'name_taken',
            ...(context.nameLine === undefined ? {} : { line: context.nameLine }),
            message: `AGENT_NAME ${verdict.name} belongs to the package ${holder.folder}; choose another`,
          });
        }
        const decided = decide(before, { digest: verdict.digest, errors }, approval);
        const isNew =
          decided.approved_digest !== null &&
          decided.approved_digest !== (before?.approved_digest ?? null);
        const row: PackageRow = {
          path: verdict.path,
          folder: verdict.folder,
          name: verdict.name ?? (before?.approved_digest ? before.name : null),
          version: verdict.version,
          digest: verdict.digest,
          ...decided,
          approved_by: isNew ? 'auto' : (before?.approved_by ?? null),
          approved_at: isNew ? now() : (before?.approved_at ?? null),
          signature: verdict.signature,
          errors,
          warnings: [...verdict.warnings],
          agent_id: before?.agent_id ?? null,
          present: true,
          updated_at: now(),
        };
        if (before !== undefined && sameFacts(before, row)) return before;
        await store.putPackage(tx, { ...row, manifest: verdict.manifest });
        if (isNew) {
          const { name, version, digest, signature } = row;
          const details = { name, version, digest, signature, approval };
          const entry = { caller: SYSTEM, action: 'packages.approve', object: row.path } as const;
          await audit.record(tx, { ...entry, outcome: 'ok', details });
        }
        return row;
      }),

    markRegistered: (path, digest, agentId) =>
      database.transaction(async (tx) => {
        const row = await store.lockPackage(tx, path);
        if (row === undefined || row.approved_digest === null) return 'withdrawn';
        if (row.approved_digest !== digest) return 'superseded';
        const current = row.digest === digest && (row.state === 'valid' || row.state === 'running');
        const change: store.PackageChange = {
          agent_id: agentId,
          ...(current ? { state: 'running' as const, errors: [] } : {}),
        };
        if (row.agent_id !== agentId || (current && row.state !== 'running')) {
          await store.changePackage(tx, path, change, now());
        }
        return 'registered';
      }),

    markRefused: (path, fault) =>
      database.transaction(async (tx) => {
        const row = await store.lockPackage(tx, path);
        if (row === undefined) return;
        const others = row.errors.filter(({ code }) => code !== fault.code);
        if (
          row.errors.some(({ code, message }) => code === fault.code && message === fault.message)
        )
          return;
        await store.changePackage(tx, path, { errors: [...others, fault] }, now());
      }),

    markGone: (path, { moved }) =>
      database.transaction(async (tx) => {
        const change = moved ? { agent_id: null, ...NOT_APPROVED } : { agent_id: null };
        await store.changePackage(tx, path, change, now());
        await store.forgetPackage(tx, path, now());
      }),
  };
}

const NOT_APPROVED = { approved_digest: null, approved_by: null, approved_at: null } as const;

async function theOne(db: Executor, name: string): Promise<PackageRow> {
  const rows = await store.lockByName(db, name);
  const byFolder = rows.filter((row) => row.folder === name);
  const [row, other] = byFolder.length === 1 && allNamed(rows, name) ? byFolder : rows;
  if (row === undefined) {
    throw new OpmasError('OPMAS_PACKAGE_NOT_FOUND', `There is no package ${name}`);
  }
  if (other !== undefined) {
    throw new OpmasError(
      'OPMAS_CONFLICT',
      `${name} may be several packages; say which folder: ${rows.map((r) => r.folder).join(', ')}`,
    );
  }
  return row;
}

/** A folder must not pass for the agent of that name in another folder. */
function allNamed(rows: readonly PackageRow[], name: string): boolean {
  return rows.every((row) => row.folder === name || row.name !== name);
}

function sameFacts(a: PackageRow, b: PackageRow): boolean {
  return JSON.stringify(facts(a)) === JSON.stringify(facts(b));
}

/** In a fixed order; the database's jsonb gives keys back in its own. */
function facts(row: PackageRow): unknown[] {
  const faults = (list: readonly PackageFault[]) => list.map((f) => [f.code, f.line, f.message]);
  const { folder, name, version, digest, state, agent_id, approved_digest, present } = row;
  const plain = [folder, name, version, digest, state, agent_id, approved_digest, present];
  const { approved_by, signature } = row;
  const signed = [signature?.key_id, signature?.signed_at, signature?.publisher];
  return [plain, approved_by, signed, faults(row.errors), faults(row.warnings)];
}

function toAgentPackage(row: PackageRow): AgentPackage {
  return {
    name: row.name ?? row.folder,
    path: row.path,
    version: row.version,
    digest: row.digest,
    state: row.state,
    agent_id: row.agent_id,
    errors: row.errors,
    warnings: row.warnings,
    signature: row.signature,
    approved_digest: row.approved_digest,
    approved_by: row.approved_by,
    approved_at: row.approved_at === null ? null : timestamp(row.approved_at.getTime()),
    updated_at: timestamp(row.updated_at.getTime()),
  };
}
