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
   * @throws {OpmasError} OPMAS_PACKAGE_NOT_FOUND; OPMAS_CONFLICT when it is invalid or the name is
   *   ambiguous; OPMAS_AGENT_NAME_TAKEN when another package has the agent name.
   */
  approve(db: Executor, name: string, by: string): Promise<AgentPackage>;
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
  /** Who approved this digest: `auto`, a user, or `earlier` (before this start; the audit log knows). */
  approverOf(path: string, digest: string): string;
}

/** Faults that hold only against what was approved or registered before. */
const RELATIVE = new Set(['version_unchanged', 'registration_refused']);

export function createPackagesService(options: {
  database: Database;
  clock: Clock;
  approval: Approval;
}): PackagesService {
  const { database, clock, approval } = options;
  const now = () => new Date(clock.now());
  const approvers = new Map<string, { digest: string; by: string }>();

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

    approve: async (db, name, by) => {
      const row = await theOne(db, name);
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
      approvers.set(row.path, { digest: row.digest, by });
      const change = { state: 'valid' as const, approved_digest: row.digest, errors: [] };
      const at = now();
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
        const change = { state: 'ignored', approved_digest: null, agent_id: null } as const;
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
        const row: PackageRow = {
          path: verdict.path,
          folder: verdict.folder,
          name: verdict.name ?? (before?.approved_digest ? before.name : null),
          version: verdict.version,
          digest: verdict.digest,
          ...decide(before, { digest: verdict.digest, errors }, approval),
          errors,
          warnings: [...verdict.warnings],
          agent_id: before?.agent_id ?? null,
          present: true,
          updated_at: now(),
        };
        if (before !== undefined && sameFacts(before, row)) return before;
        await store.putPackage(tx, { ...row, manifest: verdict.manifest });
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
        const change = moved ? { agent_id: null, approved_digest: null } : { agent_id: null };
        await store.changePackage(tx, path, change, now());
        await store.forgetPackage(tx, path, now());
      }),

    approverOf: (path, digest) => {
      const known = approvers.get(path);
      if (known?.digest === digest) return known.by;
      return approval === 'auto' ? 'auto' : 'earlier';
    },
  };
}

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
  return [plain, faults(row.errors), faults(row.warnings)];
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
    updated_at: timestamp(row.updated_at.getTime()),
  };
}
