/** All SQL of packages. */
import type { Manifest } from '@opmas/protocol';
import { limits } from '../../kernel/limits.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { PackageRow, PackageState } from './package.ts';

const COLUMNS = [
  'path',
  'folder',
  'name',
  'version',
  'digest',
  'state',
  'errors',
  'warnings',
  'agent_id',
  'approved_digest',
  'approved_by',
  'approved_at',
  'signature',
  'present',
  'updated_at',
] as const;

function select(db: Executor) {
  return db
    .selectFrom('packages')
    .select(COLUMNS)
    .$narrowType<Pick<PackageRow, 'state' | 'errors' | 'warnings' | 'signature'>>();
}

export async function allPackages(db: Executor): Promise<PackageRow[]> {
  return select(db)
    .orderBy('present', 'desc')
    .orderBy('folder')
    .orderBy('path')
    .limit(limits.packages * 4)
    .execute();
}

/** One row, locked until the transaction ends. */
export async function lockPackage(db: Executor, path: string): Promise<PackageRow | undefined> {
  return select(db).where('path', '=', path).forUpdate().executeTakeFirst();
}

/** Present packages whose folder or agent has this name, locked. */
export async function lockByName(db: Executor, name: string): Promise<PackageRow[]> {
  return select(db)
    .where('present', '=', true)
    .where((eb) => eb.or([eb('folder', '=', name), eb('name', '=', name)]))
    .orderBy('path')
    .limit(10)
    .forUpdate()
    .execute();
}

/** Another present package that has this agent name and has passed judging. */
export async function holderOf(
  db: Executor,
  name: string,
  path: string,
  vanished: readonly string[] = [],
): Promise<PackageRow | undefined> {
  return select(db)
    .where('present', '=', true)
    .where('name', '=', name)
    .where('path', '<>', sql<string>`ALL(${[path, ...vanished]}::text[])`)
    .where((eb) =>
      eb.or([
        eb('state', 'in', ['valid', 'running', 'waiting']),
        eb('approved_digest', 'is not', null),
      ]),
    )
    .orderBy('path')
    .limit(1)
    .executeTakeFirst();
}

export async function pageOfPackages(
  db: Executor,
  query: { state?: PackageState; after?: readonly [string, string]; limit: number },
): Promise<PackageRow[]> {
  let select_ = select(db).where('present', '=', true);
  if (query.state !== undefined) select_ = select_.where('state', '=', query.state);
  if (query.after !== undefined) {
    const [folder, path] = query.after;
    select_ = select_.where(sql<boolean>`(folder, path) > (${folder}, ${path})`);
  }
  return select_.orderBy('folder').orderBy('path').limit(query.limit).execute();
}

/** Writes a whole row. */
export async function putPackage(
  db: Executor,
  row: PackageRow & { manifest: Manifest | null },
): Promise<void> {
  const values = {
    ...row,
    errors: JSON.stringify(row.errors),
    warnings: JSON.stringify(row.warnings),
    manifest: row.manifest === null ? null : JSON.stringify(row.manifest),
    signature: row.signature === null ? null : JSON.stringify(row.signature),
  };
  const { path: _, ...changes } = values;
  await db
    .insertInto('packages')
    .values(values)
    .onConflict((conflict) => conflict.column('path').doUpdateSet(changes))
    .execute();
}

export type PackageChange = Partial<
  Pick<
    PackageRow,
    'state' | 'errors' | 'agent_id' | 'approved_digest' | 'approved_by' | 'approved_at' | 'present'
  >
>;

export async function changePackage(
  db: Executor,
  path: string,
  change: PackageChange,
  at: Date,
): Promise<void> {
  const { errors, ...rest } = change;
  await db
    .updateTable('packages')
    .set({
      ...rest,
      ...(errors === undefined ? {} : { errors: JSON.stringify(errors) }),
      updated_at: at,
    })
    .where('path', '=', path)
    .execute();
}

/**
 * Marks a package absent. What nobody decided about is forgotten at once; of the rest as many are
 * remembered as may be present.
 */
export async function forgetPackage(db: Executor, path: string, at: Date): Promise<void> {
  await changePackage(db, path, { present: false }, at);
  await db
    .deleteFrom('packages')
    .where('path', '=', path)
    .where('agent_id', 'is', null)
    .where('approved_digest', 'is', null)
    .where('state', '<>', 'ignored')
    .execute();
  await db
    .deleteFrom('packages')
    .where('path', 'in', (eb) =>
      eb
        .selectFrom('packages')
        .select('path')
        .where('present', '=', false)
        .orderBy('updated_at', 'desc')
        .offset(limits.packages),
    )
    .execute();
}
