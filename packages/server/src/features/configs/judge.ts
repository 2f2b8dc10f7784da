/** What a change would make of the agents it reaches: who changes, and who could not live with it. */
import type { Fault } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { NewConfig, ReceiverRow } from './fleet.store.ts';
import { createLayerJudge, type LayerJudge, placeOf, textOf, unplaced } from './layer-judge.ts';
import { configLimits } from './limits.ts';
import { isOfOneAgent, labelOf, type ScopeRef } from './scopes.ts';
import type { Overlay, Stacks, Told, ViewOptions } from './stacks.ts';

export interface Refused {
  /** Undefined: the layer reaches nobody, and could be right for nobody. */
  agent: ReceiverRow | undefined;
  errors: readonly Fault[];
  /** The agent could live with it, since higher layers hide it. */
  isHidden: boolean;
}

export interface Judgement {
  /** Agents the scope reaches. */
  reached: readonly ReceiverRow[];
  /** Those whose effective configuration becomes another one. */
  changed: NewConfig[];
  /** Those that had a valid one, and would not have; and those for which the layer is wrong by itself. */
  invalid: Refused[];
}

/** One for whose sake it is refused. */
export type RefusedAgent = Refused & { agent: ReceiverRow };

export interface AllJudged {
  changed: NewConfig[];
  invalid: RefusedAgent[];
}

/**
 * @param overlay the layer as it shall be
 * @param before the layer in force, when the new one is judged by itself, too: what is wrong in it is told also
 * where a higher layer hides it
 */
export function judgeChange(stacks: Stacks, overlay: Overlay, before?: Overlay): Judgement {
  const { ref } = overlay;
  const reached = stacks.receivers.filter((agent) => stacks.reaches(ref, agent));
  const judge = createLayerJudge();
  const invalid: Refused[] = [];
  const changed: NewConfig[] = [];
  for (const agent of reached) {
    const told = attempt(stacks, agent, { overlay });
    if (told === undefined) continue;
    // Who is pinned to an older version gets this one later, and must be able to take it then.
    const later = stacks.isPinned(ref, agent)
      ? attempt(stacks, agent, { overlay, ignorePins: true })
      : told;
    const failed = [told, later].find((each) => each?.result.ok === false);
    const hasFailed = failed !== undefined && attempt(stacks, agent)?.result.ok === true;
    const errors = hasFailed && !failed.result.ok ? failed.result.errors : [];
    const own = before === undefined ? [] : layerFaults(stacks, agent, overlay, before, judge);
    if (errors.length + own.length > 0) {
      invalid.push({
        agent,
        errors: distinct([...errors, ...own]),
        isHidden: failed === undefined,
      });
    } else if (
      told.result.ok &&
      failed === undefined &&
      told.result.value.hash !== agent.config_hash
    ) {
      changed.push(newConfig(agent, told));
    }
  }
  if (reached.length === 0 && before !== undefined) {
    const errors = judge.newFaults(unplaced(overlay.plain), unplaced(before.plain));
    if (errors.length > 0) invalid.push({ agent: undefined, errors, isHidden: false });
  }
  return { reached, changed, invalid };
}

function layerFaults(
  stacks: Stacks,
  agent: ReceiverRow,
  overlay: Overlay,
  before: Overlay,
  judge: LayerJudge,
): Fault[] {
  const { ref } = overlay;
  const placed = (shown: Overlay) => {
    const told = attempt(stacks, agent, { overlay: shown, ignorePins: ref });
    return told === undefined ? undefined : placeOf(told, labelOf(ref));
  };
  const now = placed(overlay);
  return now === undefined || judge.faultsOf(now).length === 0
    ? []
    : judge.newFaults(now, placed(before));
}

/**
 * Agents that a group takes in and to which its layer, as it is, says something wrong that a higher layer hides.
 * What would be wrong for everybody was so before.
 */
function judgeJoining(before: Stacks, after: Stacks, ref: ScopeRef): RefusedAgent[] {
  const judge = createLayerJudge();
  const known = new Map(before.receivers.map((agent) => [agent.id, agent]));
  return after.receivers.flatMap((agent): RefusedAgent[] => {
    const was = known.get(agent.id);
    if (!after.reaches(ref, agent) || (was !== undefined && before.reaches(ref, was))) return [];
    const told = attempt(after, agent);
    const now = told === undefined ? undefined : placeOf(told, labelOf(ref));
    if (told === undefined || now === undefined) return [];
    const general = new Set(judge.faultsOf(unplaced(now.layer)).map(textOf));
    const errors = judge.faultsOf(now).filter((fault) => !general.has(textOf(fault)));
    return errors.length === 0 ? [] : [{ agent, errors, isHidden: told.result.ok }];
  });
}

/** A group that changes: what `judgeAll` tells, and what its layer says to those that it takes in. */
export function judgeRegroup(before: Stacks, after: Stacks, ref: ScopeRef): AllJudged {
  const { changed, invalid } = judgeAll(after, before);
  const told = new Set(invalid.map(({ agent }) => agent.id));
  const joining = judgeJoining(before, after, ref).filter(
    // Who had no valid configuration before holds nothing up.
    ({ agent, isHidden }) => isHidden && !told.has(agent.id),
  );
  const refused = new Set(joining.map(({ agent }) => agent.id));
  return {
    changed: changed.filter(({ id }) => !refused.has(id)),
    invalid: [...invalid, ...joining],
  };
}

/**
 * What is different from what the agents' rows say; for changes of who is reached by what.
 * @param before agents that were not valid then are let be
 */
export function judgeAll(after: Stacks, before?: Stacks): AllJudged {
  const invalid: RefusedAgent[] = [];
  const changed: NewConfig[] = [];
  for (const agent of after.receivers) {
    const told = attempt(after, agent);
    if (told === undefined) continue;
    if (!told.result.ok) {
      if (before === undefined || attempt(before, agent)?.result.ok === true) {
        invalid.push({ agent, errors: told.result.errors, isHidden: false });
      }
    } else if (told.result.value.hash !== agent.config_hash) changed.push(newConfig(agent, told));
  }
  return { changed, invalid };
}

/** @throws {OpmasError} OPMAS_INVALID_CONFIGURATION, with the agents and what is wrong for them */
export function refuseInvalid(
  ref: ScopeRef | undefined,
  { invalid }: Pick<Judgement, 'invalid'>,
): void {
  const [first] = invalid;
  if (first === undefined) return;
  const { path = '', message = '' } = first.errors[0] ?? {};
  const isHidden = invalid.every((each) => each.isHidden);
  if (first.agent === undefined || (ref !== undefined && isOfOneAgent(ref))) {
    throw new OpmasError(
      'OPMAS_INVALID_CONFIGURATION',
      isHidden
        ? `The layer would not be valid, although a higher one hides it: ${path} ${message}`
        : `The configuration would not be valid: ${path} ${message}`,
      { errors: first.errors },
    );
  }
  const names = invalid
    .slice(0, configLimits.refusedAgents)
    .flatMap(({ agent }) => agent?.name ?? []);
  const more = invalid.length > names.length ? ` and ${invalid.length - names.length} more` : '';
  const whom = `${invalid.length} agents`;
  throw new OpmasError(
    'OPMAS_INVALID_CONFIGURATION',
    `${isHidden ? `The layer would not be valid for ${whom}, although higher ones hide it` : `The configuration of ${whom} would not be valid`} (${names.join(', ')}${more}); of ${first.agent.name}: ${path} ${message}`,
    { errors: faultsByAgent(invalid) },
  );
}

/** Faults of several agents in one list, each saying whose it is. */
export function faultsByAgent(invalid: Judgement['invalid']): Fault[] {
  return invalid.slice(0, configLimits.refusedAgents).flatMap(({ agent, errors }) =>
    errors.slice(0, configLimits.refusedFaults).map(({ path, message }) => ({
      path,
      message: agent === undefined ? message : `${message} (agent ${agent.name})`,
    })),
  );
}

/** Each fault once. */
export function distinct(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [textOf(fault), fault])).values()];
}

/** Undefined: a secret of its own cannot be read, which has nothing to do with the change. */
export function attempt(
  stacks: Stacks,
  agent: ReceiverRow,
  options?: ViewOptions,
): Told | undefined {
  try {
    return stacks.told(agent, options);
  } catch (error) {
    if (error instanceof OpmasError && error.code === 'OPMAS_SECRET_UNREADABLE') return undefined;
    throw error;
  }
}

export function newConfig(agent: ReceiverRow, { result }: Told): NewConfig {
  if (!result.ok) throw new Error(`no valid configuration of ${agent.id}`);
  const { config, hash } = result.value;
  return {
    id: agent.id,
    name: agent.name,
    status: agent.status,
    config_version: agent.config_version,
    hash,
    subscribed_topics: config.subscribed_topics,
    findings_topic: config.findings_topic,
    topics_changed:
      config.subscribed_topics.join() !== agent.subscribed_topics.join() ||
      config.findings_topic !== agent.findings_topic,
  };
}
