/** `--rollout` of the commands that write a layer: the same change as a job, in waves. */

import type { Api } from '../api/api.ts';
import { usageError } from '../errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import { given, type Run } from '../run.ts';
import type { Json } from './config-keys.ts';
import type { Target } from './config-target.ts';
import { planOf, start } from './jobs-run.ts';

/** Options that say nothing without a job. */
const OF_JOBS = [
  'waves',
  'settle',
  'deadline',
  'maxFailures',
  'maxErrorRate',
  'maxFindingsChange',
  'onFailure',
  'timeout',
];

/**
 * Is a rollout asked for?
 * @param target of what is written, where it is known: of a draft the server says what it is
 * @throws {CliError} usage for layers that are not rolled out, and for options that go with a rollout alone
 */
export function wantsRollout({ options }: Run, target?: Target): boolean {
  if (!options.flag('rollout')) {
    const stray =
      OF_JOBS.some((name) => options.text(name) !== undefined) ||
      options.flag('pauseBetween') ||
      options.flag('watch');
    if (stray) throw usageError('Waves, gates and --watch go with --rollout');
    return false;
  }
  const scope = target?.layer.scope;
  if (scope === undefined || scope === 'fleet' || scope === 'group') return true;
  throw usageError(
    '--rollout goes with --fleet or --group',
    'For one agent there are no waves: leave --rollout out.',
  );
}

/** To be asked for by `wantsRollout`. */
export function rollOut(
  run: Run,
  { api, layer }: Target,
  content: { document: Json } | { version: number },
  ifVersion?: number,
): Promise<ExitCode> {
  const scope = layer.scope === 'fleet' ? 'fleet' : `group:${layer.name}`;
  const kind = 'version' in content ? 'rollback' : 'rollout';
  return start(run, api, { kind, scope, ...content, ...planOf(run.options) }, ifVersion);
}

/**
 * The same of a stored draft, which the job takes over.
 * @param version of the draft that was looked at; the one that is there when it is not given
 */
export function rollOutDraft(
  run: Run,
  api: Api,
  id: string,
  version: number | undefined,
): Promise<ExitCode> {
  const body = { kind: 'rollout' as const, draft_id: id, ...given({ draft_version: version }) };
  return start(run, api, { ...body, ...planOf(run.options) });
}
