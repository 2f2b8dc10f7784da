/** `opmas config draft ls|show|create|diff|rebase|publish|discard`. */
import {
  draftsCreate,
  draftsDelete,
  draftsGet,
  draftsList,
  draftsPublish,
  draftsRebase,
} from '@opmas/client';
import type { Api } from '../api/api.ts';
import { collect } from '../api/pages.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';
import { editsOf, reachOf } from './config.ts';
import { changeLines, reportLines } from './config-check.ts';
import { rollOutDraft, wantsRollout } from './config-rollout.ts';
import { type Target, targetOf } from './config-target.ts';

type Summary = Awaited<ReturnType<typeof summariesOf>>[number];
export type Detail = Awaited<ReturnType<typeof detailOf>>;

const COLUMNS: readonly Column<Summary>[] = [
  { head: 'DRAFT', value: ({ draft_id }) => draft_id, whole: true },
  { head: 'LAYER', value: labelOf, whole: true },
  { head: 'BASE', value: baseOf },
  { head: 'CHANGED', value: ({ updated_at }) => updated_at, whole: true },
  { head: 'BY', value: ({ updated_by }) => updated_by },
  { head: 'REASON', value: ({ reason }) => reason },
];

export async function list(run: Run): Promise<ExitCode> {
  const { options, out, args } = run;
  const isNamed = ['group', 'environment'].some((name) => options.text(name) !== undefined);
  const one = isNamed || options.flag('fleet') || args[0] !== undefined;
  const layer = one ? (await targetOf(run)).layer : {};
  const drafts = await summariesOf(await run.api(), options.limit(), layer);
  out.list(drafts, COLUMNS, 'No drafts.');
  return EXIT.ok;
}

export async function show({ api: connect, args, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const draft = await detailOf(api, await draftId(api, args[0]));
  if (out.json) {
    out.done(draft, '');
    return EXIT.ok;
  }
  out.one(draft, [
    ['draft', draft.draft_id],
    ['version', draft.version],
    ['layer', labelOf(draft)],
    ['base', baseOf(draft)],
    ['reason', draft.reason],
    ['made', `${draft.created_at} by ${draft.author}`],
    ['changed', `${draft.updated_at} by ${draft.updated_by}`],
    ['goes', draft.expires_at],
    ...jobRows(draft),
  ]);
  // Under a rollout its job tells who has it.
  const report = draft.job_id === null ? reportLines(draft) : changeLines(draft.diff);
  for (const line of [...conflictLines(draft), ...report]) out.event(draft, () => line);
  return EXIT.ok;
}

/** Of one that a job rolls out, or went back with. */
function jobRows({ job_id: job, returned }: Detail): (readonly [string, string])[] {
  if (job !== null) return [['rolled out by', job]];
  if (returned === null) return [];
  return [
    ['went back', returned.reason],
    ['with job', returned.job_id],
  ];
}

export async function create(run: Run): Promise<ExitCode> {
  const { options, out } = run;
  const target = await targetOf(run);
  const edit = await editsOf(run, target.rest);
  const before = await target.read();
  const body = {
    ...target.layer,
    document: edit(before.config),
    base_version: before.version,
    ...given({ reason: options.text('reason') }),
  };
  const draft = await target.api.call((client) => draftsCreate({ client, body }));
  out.done(
    draft,
    `${draft.draft_id}: draft of ${target.label} on version ${draft.base_version}; opmas config draft show ${shortOf(draft)}`,
  );
  return EXIT.ok;
}

/** From the layer in force; exit code 10 when there is a difference. */
export async function diff({ api: connect, args, out, io }: Run): Promise<ExitCode> {
  const api = await connect();
  const { diff: difference, head_version } = await detailOf(api, await draftId(api, args[0]));
  if (out.json) out.done(difference, '');
  else for (const line of changeLines(difference)) out.event(difference, () => line);
  if (difference.changes.length > 0) return EXIT.difference;
  if (!out.json) io.note(`No difference to version ${head_version}.`);
  return EXIT.ok;
}

export async function rebase({ api: connect, args, options, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const id = await draftId(api, args[0]);
  const prefer = options.text('prefer') as 'draft' | 'head' | undefined;
  const draft = await api.call((client) =>
    draftsRebase({ client, path: { draft_id: id }, body: given({ prefer }) }),
  );
  const held =
    draft.resolved.length === 0 ? '' : `; of ${pathsOf(draft.resolved)} the ${prefer} holds`;
  out.done(draft, `${id}: now on version ${draft.base_version} of its layer${held}`);
  return EXIT.ok;
}

export async function publish(run: Run): Promise<ExitCode> {
  const { api: connect, args, options, out } = run;
  const version = options.count('ifVersion', 999_999_999);
  const isRollout = wantsRollout(run);
  const api = await connect();
  const id = await draftId(api, args[0]);
  if (isRollout) return rollOutDraft(run, api, id, version);
  const body = given({ reason: options.text('reason'), version });
  const answer = await api.call((client) =>
    draftsPublish({ client, path: { draft_id: id }, body }),
  );
  out.done(
    answer,
    `${labelOf(answer)}: configuration is now version ${answer.version}${reachOf(answer)}`,
  );
  return EXIT.ok;
}

export async function discard({ api: connect, args, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const id = await draftId(api, args[0]);
  await api.call((client) => draftsDelete({ client, path: { draft_id: id } }));
  out.done({ draft_id: id }, `${id}: discarded`);
  return EXIT.ok;
}

/** The id that begins so. @throws {CliError} usage when several do, not found when none does */
export async function draftId(api: Api, ref = ''): Promise<string> {
  if (!/^[0-9a-f-]{1,36}$/.test(ref)) {
    throw usageError(`${JSON.stringify(ref)} is no draft`, 'See: opmas config draft ls');
  }
  if (ref.length === 36) return ref;
  const drafts = await summariesOf(api, limits.listItems);
  const fits = drafts.filter(({ draft_id }) => draft_id.startsWith(ref));
  const [only, ...others] = fits;
  if (only === undefined) {
    throw new CliError(EXIT.notFound, `No draft begins with ${ref}`, {
      fix: 'See: opmas config draft ls',
    });
  }
  if (others.length === 0) return only.draft_id;
  const names = fits.slice(0, limits.candidates).map(({ draft_id }) => draft_id);
  throw usageError(`${ref} may be ${names.join(', ')}`, 'Say more of the id.');
}

export function detailOf(api: Api, id: string) {
  return api.call((client) => draftsGet({ client, path: { draft_id: id } }));
}

function summariesOf(api: Api, want: number, layer: Partial<Target['layer']> = {}) {
  return collect(want, (query) =>
    api.call((client) => draftsList({ client, query: { ...query, ...layer } })),
  );
}

/** `group berlin` */
export function labelOf({ scope, name }: { scope: string; name: string | null }): string {
  return name === null ? `the ${scope}` : `${scope} ${name}`;
}

function baseOf({ base_version, head_version, moved, job_id }: Summary | Detail): string {
  if (job_id !== null) return `${base_version} (rolled out by ${job_id.slice(0, 8)})`;
  return moved ? `${base_version} (${head_version} is in force)` : `${base_version}`;
}

export function conflictLines({ conflicts, moved }: Detail): string[] {
  if (!moved) return [];
  return [
    'The layer went on since; told as after a rebase. Before publishing: opmas config draft rebase',
    ...conflicts.map(
      ({ path, draft, head }) =>
        `both changed  ${path}  ${text(draft)} (draft), ${text(head)} (layer)`,
    ),
  ];
}

function pathsOf(conflicts: readonly { path: string }[]): string {
  const names = conflicts.slice(0, limits.candidates).map(({ path }) => path);
  return names.length < conflicts.length
    ? `${names.join(', ')} and ${conflicts.length - names.length} more`
    : names.join(', ');
}

function shortOf({ draft_id }: { draft_id: string }): string {
  return draft_id.slice(0, 8);
}

function text(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}
